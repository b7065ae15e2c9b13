/** Rectified linear unit: max(input, 0). */
import { reluBackward } from '../../kernels/relu/backward.js'
import { reluForward } from '../../kernels/relu/forward.js'
import { checkFloats } from '../check.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'

/** max(input, 0), elementwise; any shape, f32 or f16. NaN stays NaN. Throws `ShapeError` for another type. */
export function relu(input: Tensor): Tensor {
  checkFloats('relu', 'input', input)
  const { engine, shape, size } = input
  const output = engine.empty(shape, input.dtype)
  reluForward(engine.device, { input: input.buffer, output: output.buffer, size })
  return differentiable({
    name: 'relu',
    inputs: { input },
    output,
    saves: () => ({ output }),
    gradients: ({ gradient, saved }) => ({ input: gradientBeforeRelu(gradient, saved.output) }),
  })
}

/** The gradient in front of a ReLU from that behind it; the same one where there was no ReLU, and so no `output` of one. */
export function gradientBeforeRelu(gradient: Tensor, output: Tensor | undefined): Tensor {
  if (!output) return gradient
  const { engine, size, shape } = gradient
  const inputGradient = engine.empty(shape, gradient.dtype)
  reluBackward(
    engine.device,
    { output: output.buffer, outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
    size,
  )
  return inputGradient
}
