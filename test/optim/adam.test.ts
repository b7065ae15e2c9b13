import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/device/errors.js'
import { Adam, adam, AdamW, adamW } from '../../src/optim/index.js'
import { useEngine } from '../support/engine.js'
import { goldenSteps } from './golden-steps.js'

const holder = useEngine()

goldenSteps(holder, 'adam', adam)
goldenSteps(holder, 'adamW', adamW)

describe('Adam and AdamW', () => {
  test("have PyTorch's defaults", () => {
    const parameter = holder.engine.zeros([2])
    expect(adam([parameter]).groups[0]).toMatchObject({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 })
    expect(adamW([parameter]).groups[0]).toMatchObject({ lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0.01 })
    expect([adam([parameter]).name, adamW([parameter]).name]).toEqual(['Adam', 'AdamW'])
    expect(new AdamW([parameter])).toBeInstanceOf(Adam)
  })

  test.each([
    { lr: -1 },
    { lr: NaN },
    { eps: -1 },
    { weightDecay: -0.1 },
    { betas: [0.9, 1] as const },
    { betas: [-0.1, 0.9] as const },
    { betas: [0.9] as unknown as [number, number] },
  ])('refuse %o', (options) => {
    expect(() => adam([holder.engine.zeros([2])], options)).toThrow(OptionError)
    expect(() => adamW([holder.engine.zeros([2])], options)).toThrow(OptionError)
  })
})
