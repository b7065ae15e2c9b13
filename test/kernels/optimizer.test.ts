/** The optimizer kernels alone; test/optim compares whole sequences of steps with PyTorch. */
import { describe, test } from 'vitest'
import { adamStep } from '../../src/kernels/optimizer/adam.js'
import { sgdStep } from '../../src/kernels/optimizer/sgd.js'
import { expectClose, testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const engines = { 'the default device': useEngine(), 'tiny limits': useEngine({ requiredLimits: tinyLimits }) }

// more than one binding of 64 KiB; a handful of roundings of 6e-8 each
const size = 20_011
const tolerance = 5e-7

const squares = (values: Float32Array<ArrayBuffer>) => values.map((value) => value * value)

describe.each(Object.entries(engines))('on %s', (_name, holder) => {
  function operands(names: readonly string[]) {
    const { engine } = holder
    const values = Object.fromEntries(names.map((name, i) => [name, testValues(size, i + 1)]))
    if (values.secondMoment) values.secondMoment = squares(values.secondMoment)
    const tensors = Object.fromEntries(names.map((name) => [name, engine.tensor(values[name]!)]))
    const buffer = (name: string) => tensors[name]!.buffer
    const compare = async (name: string, expected: (value: (operand: string) => number) => number) => {
      const all = Float64Array.from({ length: size }, (_element, i) => expected((operand) => values[operand]![i]!))
      expectClose(await tensors[name]!.toArray(), all, tolerance, name)
    }
    return { device: engine.device, buffer, compare }
  }

  test('plain SGD', async () => {
    const { device, buffer, compare } = operands(['gradient', 'parameter'])
    sgdStep(device, {
      gradient: buffer('gradient'),
      parameter: buffer('parameter'),
      size,
      learningRate: 0.3,
      weightDecay: 0.2,
      momentum: 0,
      gain: 1,
      nesterov: false,
    })
    await compare('parameter', (at) => at('parameter') - 0.3 * (at('gradient') + 0.2 * at('parameter')))
  })

  test.each([false, true])('SGD with momentum, nesterov: %s', async (nesterov) => {
    const { device, buffer, compare } = operands(['gradient', 'parameter', 'velocity'])
    sgdStep(device, {
      gradient: buffer('gradient'),
      parameter: buffer('parameter'),
      velocity: buffer('velocity'),
      size,
      learningRate: 0.3,
      weightDecay: 0.2,
      momentum: 0.9,
      gain: 0.5,
      nesterov,
    })
    type At = (operand: string) => number
    const direction = (at: At) => at('gradient') + 0.2 * at('parameter')
    const velocity = (at: At) => 0.9 * at('velocity') + 0.5 * direction(at)
    await compare('velocity', velocity)
    await compare('parameter', (at) => {
      const along = nesterov ? direction(at) + 0.9 * velocity(at) : velocity(at)
      return at('parameter') - 0.3 * along
    })
  })

  test.each([false, true])('Adam, decoupled: %s', async (decoupled) => {
    const { device, buffer, compare } = operands(['gradient', 'parameter', 'firstMoment', 'secondMoment'])
    adamStep(device, {
      gradient: buffer('gradient'),
      parameter: buffer('parameter'),
      firstMoment: buffer('firstMoment'),
      secondMoment: buffer('secondMoment'),
      size,
      learningRate: 0.01,
      betas: [0.9, 0.99],
      epsilon: 0.1,
      weightDecay: 0.2,
      step: 3,
      decoupled,
    })
    type At = (operand: string) => number
    const slope = (at: At) => at('gradient') + (decoupled ? 0 : 0.2 * at('parameter'))
    const first = (at: At) => 0.9 * at('firstMoment') + 0.1 * slope(at)
    const second = (at: At) => 0.99 * at('secondMoment') + 0.01 * slope(at) ** 2
    await compare('firstMoment', first)
    await compare('secondMoment', second)
    await compare('parameter', (at) => {
      const decayed = at('parameter') * (decoupled ? 1 - 0.01 * 0.2 : 1)
      const mean = first(at) / (1 - 0.9 ** 3)
      return decayed - (0.01 * mean) / (Math.sqrt(second(at) / (1 - 0.99 ** 3)) + 0.1)
    })
  })
})
