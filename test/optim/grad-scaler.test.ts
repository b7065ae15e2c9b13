/** Loss scaling: what PyTorch's GradScaler does with the scale, and steps that are left out on the GPU. */
import { describe, expect, test } from 'vitest'
import { mul, sum } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { AutogradError, OptionError } from '../../src/device/errors.js'
import {
  adam,
  adamW,
  clipGradNorm,
  GradScaler,
  type GradScalerOptions,
  type Optimizer,
  sgd,
} from '../../src/optim/index.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

// one that is updated by itself, and small ones that lie together, with gaps between them
const sizes = [20_000, 7, 64, 13]

function parameters(): Tensor[] {
  return sizes.map((size, i) => holder.engine.tensor(testValues(size, i + 1), [size], { requiresGrad: true }))
}

/** One step whose gradients are `factor` times fixed numbers. */
function run(scaler: GradScaler, tensors: readonly Tensor[], factor = 1, between: () => void = () => undefined): void {
  const { engine } = holder
  engine.scope(() => {
    scaler.optimizer.prepare()
    scaler.optimizer.zeroGrad()
    for (const [i, tensor] of tensors.entries()) {
      const weights = engine.tensor(testValues(tensor.size, i + 20).map((value) => value * factor))
      scaler.scale(sum(mul(tensor, weights))).backward()
    }
    between()
    scaler.step()
    scaler.update()
  })
}

async function valuesOf(tensors: readonly Tensor[]): Promise<number[][]> {
  return Promise.all(tensors.map(async (tensor) => [...(await tensor.toArray())]))
}

const optimizers: Record<string, (tensors: Tensor[]) => Optimizer> = {
  Adam: (tensors) => adam(tensors, { lr: 0.1, weightDecay: 0.2 }),
  AdamW: (tensors) => adamW(tensors, { lr: 0.1 }),
  'Adam without memory': (tensors) => adam(tensors, { lr: 0.1, betas: [0, 0.5] }),
  'plain SGD': (tensors) => sgd(tensors, { lr: 0.1, weightDecay: 0.1 }),
  'SGD with momentum': (tensors) => sgd(tensors, { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
  "SGD with Nesterov's momentum": (tensors) => sgd(tensors, { lr: 0.1, momentum: 0.9, nesterov: true }),
}

describe.each(Object.entries(optimizers))('%s', (_name, create) => {
  test('does the same steps as without a scaler', async () => {
    const [scaled, plain] = [parameters(), parameters()]
    const scaler = new GradScaler(create(scaled))
    const optimizer = create(plain)
    for (let step = 0; step < 4; step++) {
      run(scaler, scaled)
      for (const [i, tensor] of plain.entries()) tensor.grad = holder.engine.tensor(testValues(tensor.size, i + 20))
      optimizer.step()
    }
    // the bias correction is computed in f32 on the GPU: a few roundings
    for (const [i, tensor] of scaled.entries()) {
      expectClose(await tensor.toArray(), await plain[i]!.toArray(), 1e-6, `parameter ${i}`)
    }
  })

  test.each([Infinity, -Infinity, NaN])('leaves everything as it is where a gradient is %s', async (bad) => {
    const tensors = parameters()
    const scaler = new GradScaler(create(tensors))
    run(scaler, tensors)
    const before = await valuesOf(tensors)
    const state = await scaler.optimizer.stateDict()
    for (const damaged of [0, 3]) {
      run(scaler, tensors, 1, () => {
        const gradient = tensors[damaged]!.grad!
        const values = new Float32Array(gradient.size)
        values[gradient.size - 1] = bad
        holder.engine.noGrad(() => gradient.set(values))
      })
    }
    expect(await valuesOf(tensors)).toEqual(before)
    expect(await scaler.getScale()).toBe(65536 / 4)
    expect(await scaler.settle()).toBe(2)
    expect(await scaler.optimizer.stateDict()).toEqual(state)
  })

  test.each([0, 1, 3])(
    'goes on after a step that was left out, step %i, as if that had never been',
    async (skipped) => {
      const [one, other] = [parameters(), parameters()]
      const [disturbed, straight] = [new GradScaler(create(one)), new GradScaler(create(other))]
      for (let step = 0; step < 5; step++) {
        if (step === skipped) run(disturbed, one, Infinity)
        run(disturbed, one)
        run(straight, other)
      }
      expect(await valuesOf(one)).toEqual(await valuesOf(other))
      expect(await disturbed.settle()).toBe(1)
      run(disturbed, one)
      run(straight, other)
      expect(await valuesOf(one)).toEqual(await valuesOf(other))
      expect(await disturbed.optimizer.stateDict()).toEqual(await straight.optimizer.stateDict())
    },
  )
})

describe('the scale', () => {
  const create = (options: GradScalerOptions) => {
    const tensors = parameters()
    return { tensors, scaler: new GradScaler(sgd(tensors, { lr: 0.01 }), options) }
  }

  test('grows after an interval without overflow, shrinks after an overflow, and counts anew after both', async () => {
    const { tensors, scaler } = create({ initScale: 8, growthInterval: 3 })
    const scales: number[] = []
    for (const factor of [1, 1, 1, 1, 1, Infinity, 1, 1, Infinity, 1, 1, 1, 1]) {
      run(scaler, tensors, factor)
      scales.push(await scaler.getScale())
    }
    expect(scales).toEqual([8, 8, 16, 16, 16, 8, 8, 8, 4, 4, 4, 8, 8])
    expect(await scaler.stateDict()).toEqual({ scale: 8, growthTracker: 1 })
  })

  test('does not grow into infinity, nor shrink to where its inverse is infinite', async () => {
    const large = create({ initScale: 2 ** 126, growthInterval: 1, growthFactor: 4 })
    run(large.scaler, large.tensors, 1e-30)
    expect(await large.scaler.getScale()).toBe(2 ** 126)
    const small = create({ initScale: 2 ** -125 })
    for (let i = 0; i < 3; i++) run(small.scaler, small.tensors, Infinity)
    expect(await small.scaler.getScale()).toBe(2 ** -126)
  })

  test('follows other factors', async () => {
    const { tensors, scaler } = create({ initScale: 100, growthFactor: 3, backoffFactor: 0.25, growthInterval: 1 })
    run(scaler, tensors)
    expect(await scaler.getScale()).toBe(300)
    run(scaler, tensors, NaN)
    expect(await scaler.getScale()).toBe(75)
  })

  test('has a state that another scaler goes on with', async () => {
    const first = create({ initScale: 8, growthInterval: 3 })
    for (const factor of [1, Infinity, 1, 1]) run(first.scaler, first.tensors, factor)
    const second = create({ growthInterval: 3 })
    second.scaler.loadStateDict(await first.scaler.stateDict())
    run(second.scaler, second.tensors)
    expect(await second.scaler.stateDict()).toEqual({ scale: 8, growthTracker: 0 })
  })
})

describe('unscale', () => {
  test('gives the gradients to look at, and clipping is of those', async () => {
    const tensors = parameters()
    const scaler = new GradScaler(sgd(tensors, { lr: 1 }))
    let norm: Tensor | undefined
    holder.engine.scope(() => {
      run(scaler, tensors, 1, () => {
        scaler.unscale()
        norm = clipGradNorm(tensors, 0.5)
        holder.engine.scopes.keep(norm)
      })
    })
    const squares = tensors.flatMap((tensor, i) => [...testValues(tensor.size, i + 20)]).map((value) => value ** 2)
    const expected = Math.sqrt(squares.reduce((a, b) => a + b))
    expectClose([await norm!.item()], [expected], 1e-5, 'norm') // a sum of 20,000 squares
    const first = testValues(sizes[1]!, 21).map((value) => (value * 0.5) / expected)
    expectClose(await tensors[1]!.grad!.toArray(), first, 1e-5, 'clipped gradient')
  })

  test('is not needed for a step, which leaves the gradients scaled', async () => {
    const [one, other] = [parameters(), parameters()]
    const [plain, unscaled] = [new GradScaler(adam(one)), new GradScaler(adam(other))]
    for (let step = 0; step < 2; step++) {
      run(plain, one)
      run(unscaled, other, 1, () => {
        unscaled.unscale()
      })
    }
    expect(await valuesOf(one)).toEqual(await valuesOf(other)) // a power of two changes no digits
    const expected = testValues(sizes[1]!, 21)
    expect(await other[1]!.grad!.toArray()).toEqual(expected)
    expect(await one[1]!.grad!.toArray()).toEqual(expected.map((value) => value * 65536))
  })

  test('twice in a step is an error', () => {
    const scaler = new GradScaler(sgd(parameters(), { lr: 1 }))
    scaler.unscale()
    expect(() => {
      scaler.unscale()
    }).toThrow(AutogradError)
    scaler.update()
    scaler.unscale()
  })
})

test('refuses options and states that make no sense', () => {
  const optimizer = sgd(parameters(), { lr: 1 })
  const wrong: GradScalerOptions[] = [
    { initScale: 0 },
    { initScale: Infinity },
    { growthFactor: 1 },
    { backoffFactor: 0 },
    { backoffFactor: 1 },
    { growthInterval: 0 },
    { growthInterval: 1.5 },
  ]
  for (const options of wrong) {
    const [name] = Object.keys(options)
    expect(() => new GradScaler(optimizer, options), name).toThrow(OptionError)
    expect(() => new GradScaler(optimizer, options), name).toThrow(`GradScaler: ${name}`)
  }
  const scaler = new GradScaler(optimizer)
  const load = (scale: number, growthTracker: number) => () => {
    scaler.loadStateDict({ scale, growthTracker })
  }
  expect(load(NaN, 0)).toThrow(OptionError)
  expect(load(1, -1)).toThrow(OptionError)
})

test('settle() refuses to be overtaken by a step', async () => {
  const tensors = parameters()
  const scaler = new GradScaler(sgd(tensors, { lr: 1 }))
  const settled = scaler.settle()
  run(scaler, tensors)
  await expect(settled).rejects.toThrow(AutogradError)
})
