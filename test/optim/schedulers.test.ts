import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/device/errors.js'
import {
  CosineAnnealingLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  MultiStepLR,
  ReduceLROnPlateau,
  type Scheduled,
  type Scheduler,
  StepLR,
} from '../../src/optim/index.js'

/** The learning rates before and after each of `steps` steps. */
function schedule(create: (optimizer: Scheduled) => Scheduler | Scheduler[], steps: number): number[] {
  const optimizer: Scheduled = { groups: [{ lr: 0.1 }] }
  const schedulers = [create(optimizer)].flat()
  const lrs = [optimizer.groups[0]!.lr]
  for (let i = 0; i < steps; i++) {
    for (const scheduler of schedulers) scheduler.step()
    lrs.push(optimizer.groups[0]!.lr)
  }
  return lrs
}

function expectRates(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length)
  for (const [i, lr] of actual.entries()) expect(Math.abs(lr - expected[i]!), `step ${i}`).toBeLessThan(1e-15)
}

// printed by PyTorch 1.13 with lr=0.1
describe("schedulers give PyTorch's learning rates", () => {
  test('StepLR', () => {
    expectRates(
      schedule((optimizer) => new StepLR(optimizer, { stepSize: 3, gamma: 0.5 }), 8),
      [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025],
    )
  })

  test('MultiStepLR', () => {
    expectRates(
      schedule((optimizer) => new MultiStepLR(optimizer, { milestones: [2, 5, 5] }), 7),
      [0.1, 0.1, 0.01, 0.01, 0.01, 0.0001, 0.0001, 0.0001],
    )
  })

  test('ExponentialLR', () => {
    expectRates(
      schedule((optimizer) => new ExponentialLR(optimizer, { gamma: 0.9 }), 5),
      [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049],
    )
  })

  test('CosineAnnealingLR', () => {
    expectRates(
      schedule((optimizer) => new CosineAnnealingLR(optimizer, { tMax: 4, etaMin: 0.01 }), 10),
      [
        0.1, 0.08681980515339464, 0.05500000000000001, 0.023180194846605363, 0.01, 0.023180194846605363,
        0.05500000000000002, 0.08681980515339469, 0.10000000000000006, 0.0868198051533947, 0.05500000000000005,
      ],
    )
  })

  test('LinearLR', () => {
    expectRates(
      schedule((optimizer) => new LinearLR(optimizer, { startFactor: 0.25, totalIters: 4 }), 7),
      [0.025, 0.04375, 0.0625, 0.08125, 0.1, 0.1, 0.1, 0.1],
    )
    expectRates(
      schedule((optimizer) => new LinearLR(optimizer, { startFactor: 1, endFactor: 0, totalIters: 3 }), 5),
      [0.1, 0.06666666666666668, 0.03333333333333334, 0, 0, 0],
    )
  })

  test('a warm-up together with another schedule', () => {
    const create = (optimizer: Scheduled) => [
      new LinearLR(optimizer, { startFactor: 0.1, totalIters: 3 }),
      new StepLR(optimizer, { stepSize: 2, gamma: 0.5 }),
    ]
    expectRates(schedule(create, 7), [0.01, 0.04, 0.035, 0.05, 0.025, 0.025, 0.0125, 0.0125])
  })

  test('LambdaLR', () => {
    expectRates(
      schedule((optimizer) => new LambdaLR(optimizer, (epoch) => 1 / (1 + epoch)), 4),
      [0.1, 0.05, 0.1 / 3, 0.025, 0.02],
    )
  })

  test('ReduceLROnPlateau', () => {
    const rates = (measurements: number[], options: ConstructorParameters<typeof ReduceLROnPlateau>[1]) => {
      const optimizer: Scheduled = { groups: [{ lr: 0.1 }] }
      const scheduler = new ReduceLROnPlateau(optimizer, options)
      return measurements.map((measurement) => {
        scheduler.step(measurement)
        return scheduler.lrs[0]!
      })
    }
    expectRates(
      rates([1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5], { patience: 2, factor: 0.5 }),
      [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.025],
    )
    expectRates(
      rates([1, 1, 1, 1, 1, 1, 1, 1, 1], { patience: 0, factor: 0.1, cooldown: 2, minLr: 0.002 }),
      [0.1, 0.01, 0.01, 0.01, 0.002, 0.002, 0.002, 0.002, 0.002],
    )
    expectRates(
      rates([0.1, 0.2, 0.2, 0.25, 0.25, 0.3, NaN, 0.2], {
        mode: 'max',
        threshold: 0.04,
        thresholdMode: 'abs',
        patience: 1,
      }),
      [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.01],
    )
  })
})

describe('schedulers', () => {
  test('change every group by its own learning rate', () => {
    const optimizer: Scheduled = { groups: [{ lr: 0.1 }, { lr: 1 }] }
    const scheduler = new ExponentialLR(optimizer, { gamma: 0.5 })
    scheduler.step()
    expect(scheduler.lrs).toEqual([0.05, 0.5])
    expect(scheduler.epoch).toBe(1)
  })

  test('resume from a state dict', () => {
    const create = (optimizer: Scheduled) => new CosineAnnealingLR(optimizer, { tMax: 5 })
    const first = create({ groups: [{ lr: 0.1 }] })
    for (let i = 0; i < 3; i++) first.step()
    const second = create({ groups: [{ lr: 7 }] })
    second.loadStateDict(first.stateDict())
    for (let i = 0; i < 4; i++) {
      first.step()
      second.step()
      expect(second.lrs).toEqual(first.lrs)
    }
    expect(() => {
      create({ groups: [{ lr: 1 }, { lr: 1 }] }).loadStateDict(first.stateDict())
    }).toThrow(OptionError)
    expect(() => {
      first.loadStateDict({ epoch: -1, baseLrs: [1], lrs: [1] })
    }).toThrow(OptionError)
  })

  test('ReduceLROnPlateau resumes from a state dict', () => {
    const create = () => new ReduceLROnPlateau({ groups: [{ lr: 0.1 }] }, { patience: 1, cooldown: 1 })
    const [first, second] = [create(), create()]
    for (const measurement of [1, 2, 3]) first.step(measurement)
    second.loadStateDict(first.stateDict())
    for (const measurement of [2, 2, 2, 2]) {
      first.step(measurement)
      second.step(measurement)
      expect(second.stateDict()).toEqual(first.stateDict())
    }
    const other = new ReduceLROnPlateau({ groups: [] })
    expect(() => {
      other.loadStateDict(first.stateDict())
    }).toThrow(OptionError)
  })

  test.each<[string, (optimizer: Scheduled) => unknown]>([
    ['StepLR stepSize', (optimizer) => new StepLR(optimizer, { stepSize: 0 })],
    ['StepLR gamma', (optimizer) => new StepLR(optimizer, { stepSize: 1, gamma: NaN })],
    ['MultiStepLR milestones', (optimizer) => new MultiStepLR(optimizer, { milestones: [1.5] })],
    ['ExponentialLR gamma', (optimizer) => new ExponentialLR(optimizer, { gamma: -1 })],
    ['CosineAnnealingLR tMax', (optimizer) => new CosineAnnealingLR(optimizer, { tMax: 0 })],
    ['LinearLR startFactor', (optimizer) => new LinearLR(optimizer, { startFactor: 0 })],
    ['LinearLR endFactor', (optimizer) => new LinearLR(optimizer, { endFactor: 2 })],
    ['ReduceLROnPlateau factor', (optimizer) => new ReduceLROnPlateau(optimizer, { factor: 1 })],
    ['ReduceLROnPlateau patience', (optimizer) => new ReduceLROnPlateau(optimizer, { patience: -1 })],
    ['ReduceLROnPlateau mode', (optimizer) => new ReduceLROnPlateau(optimizer, { mode: 'best' as 'max' })],
    [
      'ReduceLROnPlateau thresholdMode',
      (optimizer) => new ReduceLROnPlateau(optimizer, { thresholdMode: 'relative' as 'rel' }),
    ],
  ])('%s out of range', (_name, create) => {
    expect(() => create({ groups: [{ lr: 0.1 }] })).toThrow(OptionError)
  })
})
