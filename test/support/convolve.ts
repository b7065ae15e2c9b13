/** A convolution and its gradients by their definition, in double precision: what tests of arbitrary geometries compare with. */

type Shape4d = readonly [number, number, number, number]
type Sizes = readonly [number, number]

export interface ConvolutionSizes {
  /** [N, H, W, C] */
  readonly input: Shape4d
  /** [KH, KW, C / groups, Cout] */
  readonly weight: Shape4d
  readonly stride: Sizes
  readonly padding: Sizes
  readonly dilation: Sizes
}

/** [N, OH, OW, Cout] */
export function convolvedShape({ input, weight, stride, padding, dilation }: ConvolutionSizes): Shape4d {
  const lengthOf = (side: 0 | 1) =>
    Math.floor((input[1 + side]! + 2 * padding[side] - dilation[side] * (weight[side] - 1) - 1) / stride[side]) + 1
  return [input[0], lengthOf(0), lengthOf(1), weight[3]]
}

/** The convolution of `input` with `weight`. */
export function convolve(input: ArrayLike<number>, weight: ArrayLike<number>, sizes: ConvolutionSizes): Float64Array {
  const output = new Float64Array(elementsOf(convolvedShape(sizes)))
  forEachProduct(sizes, (o, i, w) => (output[o]! += input[i]! * weight[w]!))
  return output
}

/** The gradients of `input` and `weight` when `gradient` is that of the convolution. */
export function convolutionGradients(
  input: ArrayLike<number>,
  weight: ArrayLike<number>,
  gradient: ArrayLike<number>,
  sizes: ConvolutionSizes,
): { input: Float64Array; weight: Float64Array } {
  const gradients = {
    input: new Float64Array(elementsOf(sizes.input)),
    weight: new Float64Array(elementsOf(sizes.weight)),
  }
  forEachProduct(sizes, (o, i, w) => {
    gradients.input[i]! += gradient[o]! * weight[w]!
    gradients.weight[w]! += gradient[o]! * input[i]!
  })
  return gradients
}

/** Calls `visit` for each product that a convolution is a sum of, with the places in output, input and weight. */
function forEachProduct(sizes: ConvolutionSizes, visit: (output: number, input: number, weight: number) => void): void {
  const { stride, padding, dilation } = sizes
  const [, height, width, channels] = sizes.input
  const [kernelHeight, kernelWidth, groupInputs, outputs] = sizes.weight
  const shape = convolvedShape(sizes)
  const groupOutputs = outputs / (channels / groupInputs)
  for (let i = 0; i < elementsOf(shape); i++) {
    const output = i % outputs
    const x = Math.floor(i / outputs) % shape[2]
    const y = Math.floor(i / outputs / shape[2]) % shape[1]
    const image = Math.floor(i / outputs / shape[2] / shape[1])
    const firstChannel = Math.floor(output / groupOutputs) * groupInputs
    for (let ky = 0; ky < kernelHeight; ky++) {
      for (let kx = 0; kx < kernelWidth; kx++) {
        const inputY = y * stride[0] - padding[0] + ky * dilation[0]
        const inputX = x * stride[1] - padding[1] + kx * dilation[1]
        if (inputY < 0 || inputY >= height || inputX < 0 || inputX >= width) continue
        const pixel = ((image * height + inputY) * width + inputX) * channels + firstChannel
        const tap = (ky * kernelWidth + kx) * groupInputs
        for (let c = 0; c < groupInputs; c++) visit(i, pixel + c, (tap + c) * outputs + output)
      }
    }
  }
}

function elementsOf(shape: Shape4d): number {
  return shape.reduce((a, b) => a * b)
}
