/** The convolution's kernels with the methods that the tuner chooses. */
import { conv2dForward } from '../../kernels/conv2d/forward.js'
import type { Conv2dGeometry } from '../../kernels/conv2d/geometry.js'
import { conv2dInputGradient } from '../../kernels/conv2d/input-gradient.js'
import { conv2dWeightGradient } from '../../kernels/conv2d/weight-gradient.js'
import type { Epilogue } from '../../kernels/matmul/epilogue.js'
import { conv2dTunable } from '../../tuning/conv2d.js'
import type { Tensor } from '../tensor.js'

/** The convolution [N, OH, OW, Cout], and what the epilogue adds. */
export function convolve(input: Tensor, weight: Tensor, geometry: Conv2dGeometry, epilogue: Epilogue): Tensor {
  const { engine } = input
  const output = engine.empty([geometry.batch, ...geometry.outputSize, geometry.outputChannels], input.dtype)
  // a step of training changes the weights that it trains: their packed forms are not worth keeping
  const keepPacked = !(weight.requiresGrad && engine.gradEnabled)
  const method = engine.tuner.method(conv2dTunable, {
    operation: 'forward',
    geometry,
    half: input.buffer.half,
    keepPacked,
  })
  const buffers = { input: input.buffer, weight: weight.buffer, output: output.buffer }
  conv2dForward(engine.device, buffers, geometry, { epilogue, ...method, keepPacked })
  return output
}

/**
 * The gradient of the input from that of the output.
 * @param keepPacked whether the weight stays as it is
 */
export function inputGradientOf(
  gradient: Tensor,
  weight: Tensor,
  geometry: Conv2dGeometry,
  keepPacked: boolean,
): Tensor {
  const { engine } = gradient
  const inputGradient = engine.empty([geometry.batch, ...geometry.inputSize, geometry.inputChannels], gradient.dtype)
  const method = engine.tuner.method(conv2dTunable, {
    operation: 'input-gradient',
    geometry,
    half: gradient.buffer.half,
    keepPacked,
  })
  const buffers = { outputGradient: gradient.buffer, weight: weight.buffer, inputGradient: inputGradient.buffer }
  conv2dInputGradient(engine.device, buffers, geometry, { ...method, keepPacked })
  return inputGradient
}

/** The gradient of the weight from that of the output; `weightGradient` is written, and returned. */
export function weightGradientOf(
  gradient: Tensor,
  input: Tensor,
  geometry: Conv2dGeometry,
  weightGradient: Tensor,
): Tensor {
  const { engine } = gradient
  conv2dWeightGradient(
    engine.device,
    { input: input.buffer, outputGradient: gradient.buffer, weightGradient: weightGradient.buffer },
    geometry,
    engine.tuner.method(conv2dTunable, {
      operation: 'weight-gradient',
      geometry,
      half: gradient.buffer.half,
      keepPacked: false,
    }),
  )
  return weightGradient
}
