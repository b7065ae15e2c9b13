/** The gradient rule with running statistics, which are constants. */
import { differentiable } from '../../tape.js'
import type { Tensor } from '../../tensor.js'
import { type Normalization, sumGradients } from './gradient-sums.js'
import { runningGradients } from './running-gradients.js'

/** Puts a batch norm on the tape; in frozen mode its weight and bias are constants. */
export function recordRunning(normalization: Normalization, mode: 'evaluation' | 'frozen'): Tensor {
  const { input, residual, weight, bias, mean, variance, output, relu, eps } = normalization
  const parameters = mode === 'frozen' ? { weight: undefined, bias: undefined } : { weight, bias }
  return differentiable({
    name: 'batchNorm2d',
    inputs: { input, ...parameters, residual },
    output,
    saves: (needs) => {
      const sums = needs.weight || needs.bias
      return {
        mean: sums ? mean : undefined,
        variance: sums || needs.input ? variance : undefined,
        input: needs.weight ? input : undefined,
        scale: needs.input ? weight : undefined,
        output: relu ? output : undefined,
      }
    },
    gradients: ({ gradient, saved, needs, into }) => {
      const scaling = { variance: saved.variance, weight: saved.scale, eps }
      if (!needs.weight && !needs.bias) return runningGradients(gradient, saved.output, scaling, needs)
      const { dy, gradientSum, productSum } = sumGradients(gradient, saved, normalization, {
        weight: needs.weight ? into('weight') : undefined,
        bias: needs.bias ? into('bias') : undefined,
      })
      return {
        ...runningGradients(dy, undefined, scaling, needs),
        weight: needs.weight ? productSum : undefined,
        bias: needs.bias ? gradientSum : undefined,
      }
    },
  })
}
