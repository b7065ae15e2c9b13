/** Rectified linear unit: max(input, 0). */
import { reluBackward } from '../../kernels/relu/backward.js'
import { reluForward } from '../../kernels/relu/forward.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'

/** max(input, 0), elementwise; any shape. NaN stays NaN. */
export function relu(input: Tensor): Tensor {
  const { engine, shape, size } = input
  const output = engine.empty(shape)
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
  const inputGradient = engine.empty(shape)
  reluBackward(
    engine.device,
    { output: output.buffer, outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
    size,
  )
  return inputGradient
}
