/**
 * The operations: functions from tensors to tensors, named and defined as in PyTorch.
 *
 * What lives in src/autograd/ops: one file per operation, or per family of operations that share a rule. A file checks
 * shapes, types and options, calls kernels, and says what the gradient is. What does not: WGSL and dispatches
 * (src/kernels), and anything with parameters of its own (src/nn).
 */
export { adaptiveAvgPool2d } from './adaptive-avg-pool-2d.js'
export { avgPool2d, type AvgPool2dOptions } from './avg-pool-2d.js'
export { add, div, mul, sub } from './binary.js'
export { batchNorm2d, type BatchNorm2dOptions, type BatchNormMode } from './batch-norm-2d.js'
export { cast, type CastOptions } from './cast.js'
export { checkpoint } from './checkpoint.js'
export { concat, type ConcatOptions } from './concat.js'
export { conv2d, type Conv2dOptions } from './conv2d.js'
export { crossEntropy, type CrossEntropyOptions } from './cross-entropy.js'
export { dropout, type DropoutOptions } from './dropout.js'
export { flatten } from './flatten.js'
export { gather } from './gather.js'
export { linear, type LinearOptions } from './linear.js'
export { matmul, type MatmulOptions } from './matmul.js'
export { maxPool2d, type MaxPool2dOptions } from './max-pool-2d.js'
export { countNonFinite } from './non-finite.js'
export { normalizeImages, type NormalizeImagesOptions } from './normalize-images.js'
export { pad, type PadOptions } from './pad.js'
export { permute } from './permute.js'
export { argmax, type ArgmaxOptions, max, mean, type ReduceOptions, sum, sumTo } from './reduce.js'
export { relu } from './relu.js'
export { reshape } from './reshape.js'
export { slice, type SliceOptions } from './slice.js'
export { logSoftmax, softmax, type SoftmaxOptions } from './softmax.js'
export { transpose } from './transpose.js'
