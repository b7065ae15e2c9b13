/** A convolution by its definition, in double precision: what tests of arbitrary geometries compare with. */

interface Array4d {
  readonly values: ArrayLike<number>
  readonly shape: readonly [number, number, number, number]
}

type Sizes = readonly [number, number]

/** input [N, H, W, C], weight [KH, KW, C / groups, Cout]. */
export function convolve(
  { values: input, shape: [batch, height, width, channels] }: Array4d,
  { values: weight, shape: [kernelHeight, kernelWidth, groupInputs, outputs] }: Array4d,
  { stride, padding, dilation }: { readonly stride: Sizes; readonly padding: Sizes; readonly dilation: Sizes },
): { values: Float64Array; shape: number[] } {
  const lengthOf = (side: 0 | 1, length: number, kernel: number) =>
    Math.floor((length + 2 * padding[side] - dilation[side] * (kernel - 1) - 1) / stride[side]) + 1
  const shape = [batch, lengthOf(0, height, kernelHeight), lengthOf(1, width, kernelWidth), outputs] as const
  const groupOutputs = outputs / (channels / groupInputs)
  const values = new Float64Array(shape.reduce((a, b) => a * b))
  for (let i = 0; i < values.length; i++) {
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
        for (let c = 0; c < groupInputs; c++) {
          values[i]! += input[pixel + c]! * weight[(tap + c) * outputs + output]!
        }
      }
    }
  }
  return { values, shape: [...shape] }
}
