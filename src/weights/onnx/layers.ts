/** Layers as ONNX nodes: convolutions with what belongs to them, pools, and linear layers. */
import { elementCount, type StoredTensor } from '../weights-file.js'
import { filled, mapped, repeated, reshaped, transposed } from './derived.js'
import type { OnnxNode } from './model.js'
import { describeNode, outputOf, type Walk } from './walk.js'

/** What every batch norm of torchvision adds to the variance, as a float32. */
const torchvisionEpsilon = Math.fround(1e-5)

/** By PyTorch's names; each is [channels]. */
export interface BatchNorm {
  readonly weight: StoredTensor
  readonly bias: StoredTensor
  readonly running_mean: StoredTensor
  readonly running_var: StoredTensor
}

/** A convolution, the batch norm behind it, and whether a ReLU ends them. */
export interface Convolution {
  /** [out, in, kernel, kernel] */
  readonly weight: StoredTensor
  readonly bias: StoredTensor | undefined
  readonly batchNorm: BatchNorm | undefined
  readonly hasRelu: boolean
  readonly inChannels: number
  readonly outChannels: number
  readonly kernel: number
  readonly stride: number
  /** The name of the tensor that comes out. */
  readonly output: string
}

/** Reads the convolution that takes `tensor`. Throws `WeightsError` where it is none such as ResNets and VGGs have. */
export function readConvolution(walk: Walk, tensor: string): Convolution {
  return convolutionOf(walk, walk.next(tensor, 'Conv'))
}

/** The same for a node that was entered. */
export function convolutionOf(walk: Walk, node: OnnxNode): Convolution {
  const { tensor: weight, isTransposed, isExpanded } = walk.parameter(node, 1, 'a weight')
  const [outChannels, channelsPerGroup, kernel, width] = weight.shape
  const isSquare = weight.shape.length === 4 && kernel === width
  if (!isSquare || isTransposed || isExpanded)
    walk.fail('a weight [out, in, size, size]', `[${weight.shape.join(', ')}]`)
  const groups = integer(node, 'group', 1)
  if (groups !== 1) {
    const reason = channelsPerGroup === 1 ? 'networks with depthwise convolutions are not read' : 'ResNeXt is not read'
    walk.fail('convolutions without groups', `a Conv with groups ${groups} (${reason})`)
  }
  const stride = checkWindow(walk, node, kernel!, Math.floor(kernel! / 2))
  const channels = outChannels!
  const bias = node.inputs[2] ? vector(walk, node, 2, 'a bias', channels) : undefined
  let output = outputOf(node)
  let batchNorm: BatchNorm | undefined
  if (walk.isNext(output, 'BatchNormalization')) {
    const norm = walk.next(output, 'BatchNormalization')
    batchNorm = readBatchNorm(walk, norm, channels)
    output = outputOf(norm)
  }
  const hasRelu = walk.isNext(output, 'Relu')
  if (hasRelu) output = outputOf(walk.next(output, 'Relu'))
  return {
    weight,
    bias,
    batchNorm,
    hasRelu,
    inChannels: channelsPerGroup!,
    outChannels: channels,
    kernel: kernel!,
    stride,
    output,
  }
}

function readBatchNorm(walk: Walk, node: OnnxNode, channels: number): BatchNorm {
  if (integer(node, 'spatial', 1) !== 1) walk.fail('a batch norm over channels', `${describeNode(node)} over elements`)
  const epsilon = node.attributes.get('epsilon')?.float ?? torchvisionEpsilon
  if (!(epsilon >= 0 && epsilon < Infinity)) walk.fail('an epsilon of a batch norm', `${epsilon}`)
  const [weight, bias, running_mean, variance] = ['a weight', 'a bias', 'a mean', 'a variance'].map((what, index) =>
    vector(walk, node, 1 + index, what, channels),
  ) as [StoredTensor, StoredTensor, StoredTensor, StoredTensor]
  // Networks here add torchvision's epsilon: the difference goes into the variance.
  const difference = epsilon - torchvisionEpsilon
  const running_var = difference === 0 ? variance : mapped(variance, (value) => value + difference)
  return { weight, bias, running_mean, running_var }
}

/** Reads the max pool that takes `tensor`, which must be of this size; the name of its output. */
export function readMaxPool(walk: Walk, tensor: string, size: { kernel: number; stride: number; padding: number }) {
  const node = walk.next(tensor, 'MaxPool')
  const kernels = node.attributes.get('kernel_shape')?.integers ?? []
  const stride = checkWindow(walk, node, size.kernel, size.padding)
  const isSize = kernels.join() === [size.kernel, size.kernel].join() && stride === size.stride
  if (!isSize || integer(node, 'ceil_mode', 0) !== 0) {
    const found = `one of ${kernels.join('x')}, stride ${stride}${isSize ? ', which rounds up' : ''}`
    walk.fail(`a MaxPool of ${size.kernel}x${size.kernel} with a stride of ${size.stride}`, found)
  }
  return outputOf(node)
}

/** Whether a window moves in all directions alike, without gaps, and with this padding on all sides; its stride. */
function checkWindow(walk: Walk, node: OnnxNode, kernel: number, padding: number): number {
  const integers = (name: string, otherwise: number[]) => node.attributes.get(name)?.integers ?? otherwise
  const [stride, ...otherStrides] = integers('strides', [1, 1])
  if (otherStrides.length !== 1 || otherStrides[0] !== stride) {
    walk.fail(
      'the same stride in both directions',
      `${describeNode(node)} with [${integers('strides', []).join(', ')}]`,
    )
  }
  const dilations = integers('dilations', [1, 1])
  if (dilations.some((dilation) => dilation !== 1)) {
    walk.fail('no dilation', `${describeNode(node)} with a dilation of [${dilations.join(', ')}]`)
  }
  const automatic = node.attributes.get('auto_pad')?.text ?? 'NOTSET'
  // With a stride of 1 "SAME" pads both sides alike; with 2 it pads one side more, where PyTorch pads both alike.
  const isAlike = automatic.startsWith('SAME_') && stride === 1 && kernel % 2 === 1
  const same = (kernel - 1) / 2
  const pads = isAlike
    ? [same, same, same, same]
    : automatic === 'NOTSET'
      ? integers('pads', [0, 0, 0, 0])
      : [0, 0, 0, 0]
  if ((automatic.startsWith('SAME_') && !isAlike) || pads.length !== 4 || pads.some((pad) => pad !== padding)) {
    const found = automatic === 'NOTSET' ? `pads of [${pads.join(', ')}]` : `auto_pad ${automatic}`
    walk.fail(`a padding of ${padding}`, `${describeNode(node)} with ${found}`)
  }
  return stride!
}

/** A linear layer. */
export interface Linear {
  /** [out, in] */
  readonly weight: StoredTensor
  /** [out] */
  readonly bias: StoredTensor
  readonly inFeatures: number
  readonly output: string
}

/** Reads the linear layer that takes `tensor`: a Gemm, or a MatMul and perhaps an Add. Throws `WeightsError`. */
export function readLinear(walk: Walk, tensor: string): Linear {
  const node = walk.next(tensor, 'Gemm', 'MatMul')
  const parameter = walk.parameter(node, 1, 'a weight')
  const isGemm = node.operator === 'Gemm'
  if (integer(node, 'transA', 0) !== 0) walk.fail('a Gemm of images by rows', `${describeNode(node)} with transA`)
  if (parameter.tensor.shape.length !== 2 || parameter.isExpanded) {
    walk.fail('a weight of two dimensions', `[${parameter.tensor.shape.join(', ')}] for ${describeNode(node)}`)
  }
  const isOutIn = isGemm && integer(node, 'transB', 0) !== 0
  const weight = isOutIn === parameter.isTransposed ? transposed(parameter.tensor) : parameter.tensor
  const [outFeatures, inFeatures] = weight.shape as [number, number]
  const scales = ['alpha', 'beta'].map((name) => node.attributes.get(name)?.float ?? 1) as [number, number]
  if (isGemm) {
    const bias = node.inputs[2] ? vector(walk, node, 2, 'a bias', outFeatures) : filled(outFeatures, 0)
    const output = outputOf(node)
    return { weight: scaled(weight, scales[0]), bias: scaled(bias, scales[1]), inFeatures, output }
  }
  const add = walk.isNext(outputOf(node), 'Add') ? walk.next(outputOf(node), 'Add') : undefined
  if (!add) return { weight, bias: filled(outFeatures, 0), inFeatures, output: outputOf(node) }
  const biasInput = walk.stored(add.inputs[0] ?? '') ? 0 : 1
  return { weight, bias: vector(walk, add, biasInput, 'a bias', outFeatures), inFeatures, output: outputOf(add) }
}

function scaled(tensor: StoredTensor, factor: number): StoredTensor {
  return factor === 1 ? tensor : mapped(tensor, (value) => value * factor)
}

/** A parameter of `length` elements; some exporters write a bias as [1, length]. */
function vector(walk: Walk, node: OnnxNode, input: number, what: string, length: number): StoredTensor {
  const { tensor, isExpanded } = walk.parameter(node, input, what)
  if (isExpanded && elementCount(tensor.shape) === 1) return repeated(tensor, length)
  if (tensor.shape.at(-1) === length && tensor.shape.every((size, i) => size === 1 || i === tensor.shape.length - 1)) {
    return tensor.shape.length === 1 ? tensor : reshaped(tensor, [length])
  }
  return walk.fail(`${what} [${length}]`, `[${tensor.shape.join(', ')}] for ${describeNode(node)}`)
}

function integer(node: OnnxNode, attribute: string, otherwise: number): number {
  return node.attributes.get(attribute)?.integer ?? otherwise
}
