/** Compares an optimizer with PyTorch's: what a parameter is after each of six given gradients. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import type { CommonOptions, Optimizer } from '../../src/optim/index.js'
import { relativeError } from '../support/compare.js'
import { loadGolden } from '../support/golden.js'

// Each step rounds the parameter once (6e-8); what is added is smaller than the parameter, and so is its error.
const tolerancePerStep = 1e-7

export function goldenSteps<O extends CommonOptions>(
  holder: { readonly engine: Engine },
  file: string,
  create: (parameters: Tensor[], options: O) => Optimizer<O>,
): void {
  describe(`${file} equals PyTorch`, () => {
    test.each(loadGolden(file).cases.map((golden) => [golden.name, golden] as const))('%s', async (_name, golden) => {
      const { engine } = holder
      const { data, shape } = golden.tensor('parameter')
      const parameter = engine.tensor(data, shape, { requiresGrad: true })
      const options = Object.fromEntries(Object.entries(golden.attributes).filter(([name]) => name !== 'amsgrad'))
      const optimizer = create([parameter], options as unknown as O)
      for (const [i, output] of golden.outputs.entries()) {
        parameter.grad = engine.tensor(golden.tensor(`gradient${i + 1}`).data, shape)
        optimizer.step()
        const error = relativeError(await parameter.toArray(), golden.tensor(output).data)
        expect(error, output).toBeLessThanOrEqual((i + 1) * tolerancePerStep)
      }
    })
  })
}
