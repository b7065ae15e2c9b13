import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/device/errors.js'
import { SGD, sgd } from '../../src/optim/index.js'
import { useEngine } from '../support/engine.js'
import { goldenSteps } from './golden-steps.js'

const holder = useEngine()

goldenSteps(holder, 'sgd', sgd)

describe('SGD', () => {
  test('needs a learning rate', () => {
    const parameter = holder.engine.zeros([2])
    expect(() => sgd([parameter], {} as { lr: number })).toThrow(OptionError)
    expect(() => new SGD([parameter], { lr: -0.1 })).toThrow(
      /SGD: lr: expected a number that is not negative, got -0.1/,
    )
  })

  test.each([
    { momentum: -1 },
    { weightDecay: -1 },
    { dampening: NaN },
    { nesterov: true },
    { nesterov: true, momentum: 0.9, dampening: 0.1 },
  ])('refuses %o', (options) => {
    expect(() => sgd([holder.engine.zeros([2])], { lr: 0.1, ...options })).toThrow(OptionError)
  })
})
