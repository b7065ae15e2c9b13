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
    gradients: ({ gradient, saved }) => {
      const inputGradient = engine.empty(shape)
      reluBackward(
        engine.device,
        { output: saved.output.buffer, outputGradient: gradient.buffer, inputGradient: inputGradient.buffer },
        size,
      )
      return { input: inputGradient }
    },
  })
}
