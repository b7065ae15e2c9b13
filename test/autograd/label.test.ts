/** Labels: the backward pass works for the module whose forward pass it takes back. */
import { describe, expect, test } from 'vitest'
import { mul, relu, sum } from '../../src/autograd/ops/index.js'
import { noLabel } from '../../src/device/label.js'
import { useEngine } from '../support/engine.js'
import { measures } from '../support/timestamps.js'

const holder = useEngine()

describe.runIf(measures)('labels', () => {
  test('of the backward pass are those of the forward pass', async () => {
    const { engine } = holder
    const { device } = engine
    const input = engine.tensor([1, -2, 3], [3], { requiresGrad: true })
    const times = await device.profile(() => {
      device.label = { phase: 'forward', module: 'a' }
      const activated = relu(input)
      device.label = { phase: 'forward', module: 'b' }
      const squared = mul(activated, activated)
      device.label = { phase: 'loss', module: '(loss)' }
      const loss = sum(squared)
      device.label = noLabel
      loss.backward()
      expect(device.label).toBe(noLabel)
    })
    const labels = times.map(({ label }) => `${label.phase} ${label.module}`)
    expect(labels.slice(0, 3)).toEqual(['forward a', 'forward b', 'loss (loss)'])
    const backward = labels.slice(3).filter((label) => label !== ' ') // the seed of the gradient has none
    expect(new Set(backward)).toEqual(new Set(['backward (loss)', 'backward b', 'backward a']))
    expect(backward.at(0)).toBe('backward (loss)')
    expect(backward.at(-1)).toBe('backward a')
  })

  test('are put back when the backward pass fails', () => {
    const { engine } = holder
    const input = engine.tensor([1, 2], [2], { requiresGrad: true })
    engine.device.label = { phase: 'forward', module: 'a' }
    const loss = sum(mul(input, input))
    engine.device.label = noLabel
    input.buffer.version++
    expect(() => loss.backward()).toThrow(/modified in place/)
    expect(engine.device.label).toBe(noLabel)
  })

  test('are not made while nobody sets them', async () => {
    const { engine } = holder
    const input = engine.tensor([1, 2], [2], { requiresGrad: true })
    const times = await engine.device.profile(() => sum(mul(input, input)).backward())
    for (const { label } of times) expect(label).toBe(noLabel)
  })
})
