/** Memory over many steps, and layers larger than a binding. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { crossEntropy, linear } from '../../src/autograd/ops/index.js'
import { minivgg } from '../../src/models/index.js'
import * as optim from '../../src/optim/index.js'
import { expectClose, testValues } from '../support/compare.js'

const MiB = 2 ** 20

describe('1,000 training steps of MiniVGG', () => {
  test('reserve no more GPU memory than the tenth, and the process stays flat', { timeout: 600_000 }, async () => {
    const engine = await createEngine()
    try {
      const model = await minivgg(engine)
      const optimizer = optim.adam(model.trainableParameters())
      const images = testValues(4 * 28 * 28)
      const step = () => {
        engine.scope(() => {
          const logits = model.call(engine.tensor(images, [4, 28, 28, 1]))
          const loss = crossEntropy(logits, engine.tensor(Int32Array.of(1, 2, 3, 4)))
          optimizer.zeroGrad()
          loss.backward()
          optimizer.step()
        })
      }
      const memoryAfter = async (steps: number) => {
        for (let i = 0; i < steps; i++) {
          step()
          if (i % 4 === 3) await engine.idle()
        }
        collectGarbage()
        const { rss, heapTotal, heapUsed } = process.memoryUsage()
        // V8 keeps tens of megabytes of its heap for later or gives them back, as it likes: what is used counts
        return { native: rss - heapTotal, heapUsed }
      }
      await memoryAfter(10)
      const { reserved, inUse, buffers } = engine.memory()
      const early = await memoryAfter(190) // by then everything is compiled
      const late = await memoryAfter(800)
      expect(engine.memory()).toMatchObject({ reserved, inUse, buffers })
      expect(late.native - early.native).toBeLessThan(32 * MiB)
      expect(late.heapUsed - early.heapUsed).toBeLessThan(8 * MiB)
    } finally {
      engine.destroy()
    }
  })
})

describe("VGG16's first classifier layer, 392 MiB", () => {
  test('trains on an adapter that binds at most 128 MiB', { timeout: 600_000 }, async () => {
    const engine = await createEngine({ requiredLimits: { maxStorageBufferBindingSize: 128 * MiB } })
    try {
      const [batch, from, to] = [2, 25088, 4096] as const
      const [input, upstream] = [testValues(batch * from, 1), testValues(batch * to, 2)]
      const weight = engine.full([to, from], 0.001)
      const bias = engine.zeros([to])
      weight.requiresGrad = bias.requiresGrad = true
      engine.scopes.keep(weight)
      const optimizer = optim.sgd([weight, bias], { lr: 0.5 })
      const x = engine.tensor(input, [batch, from], { requiresGrad: true })
      const output = linear(x, weight, bias)
      const values = await output.toArray()
      output.backward({ gradient: engine.tensor(upstream, [batch, to]) })
      optimizer.step()

      const rows = [0, 1].map(
        (row) => input.subarray(row * from, (row + 1) * from).reduce((sum, v) => sum + v, 0) * 0.001,
      )
      // 25,088 terms of f32 that nearly cancel: an error of about sqrt(25088) roundings of the terms
      expectClose(
        values,
        Float32Array.from({ length: batch * to }, (_, i) => rows[Math.floor(i / to)]!),
        1e-3,
        'output',
      )
      const inputGradient = await x.grad!.toArray()
      const sums = [0, 1].map(
        (row) => upstream.subarray(row * to, (row + 1) * to).reduce((sum, v) => sum + v, 0) * 0.001,
      )
      expectClose(
        inputGradient,
        Float32Array.from({ length: batch * from }, (_, i) => sums[Math.floor(i / from)]!),
        1e-3,
        'gradient of the input',
      )
      // the first and the last row of the weight, one in each outermost window, after the update
      const { device } = engine
      for (const row of [0, 1500, to - 1]) {
        const updated = new Float32Array(await device.read(weight.buffer, row * from * 4, from * 4))
        const expected = Float32Array.from(
          { length: from },
          (_, i) => 0.001 - 0.5 * (upstream[row]! * input[i]! + upstream[to + row]! * input[from + i]!),
        )
        expectClose(updated, expected, 1e-5, `row ${row} of the weight`)
      }
    } finally {
      engine.destroy()
    }
  })
})

/** V8's collector, which Node shows only on request. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
