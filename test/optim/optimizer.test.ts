import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { reshape } from '../../src/autograd/ops/reshape.js'
import { AutogradError, OptionError, ShapeError, WeightsError } from '../../src/device/errors.js'
import type { NamedArray, StateDict } from '../../src/nn/state-dict.js'
import { adam, adamW, type CommonOptions, type Optimizer, sgd, StepLR } from '../../src/optim/index.js'
import { encodeSafetensors, parseSafetensors } from '../../src/weights/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

function parameter(engine: Engine, seed: number, shape: readonly number[] = [3, 5]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1)
  return engine.tensor(testValues(size, seed), shape, { requiresGrad: true })
}

/** Steps with gradients that depend on `first` and the parameter's index only. */
function train(optimizer: Optimizer, tensors: readonly Tensor[], first: number, steps: number): void {
  for (let step = first; step < first + steps; step++) {
    for (const [i, tensor] of tensors.entries()) {
      tensor.grad = tensor.engine.tensor(testValues(tensor.size, 100 * step + i), tensor.shape)
    }
    optimizer.step()
  }
}

describe('parameters', () => {
  test('without a gradient they stay', async () => {
    const [moved, still] = [parameter(holder.engine, 1), parameter(holder.engine, 2)]
    const optimizer = sgd([moved, still], { lr: 1, momentum: 0.5 })
    moved.grad = holder.engine.ones([3, 5])
    optimizer.step()
    expect(await still.toArray()).toEqual(testValues(15, 2))
    expect(await moved.toArray()).toEqual(testValues(15, 1).map((value) => value - 1))
    expect([...(await optimizer.stateDict()).keys()]).toEqual(['param_groups', '0.step', '0.momentum_buffer'])
  })

  test('groups have options of their own', async () => {
    const [a, b] = [parameter(holder.engine, 1), parameter(holder.engine, 2)]
    const optimizer = sgd([{ params: [a] }, { params: new Map([['b', b]]), lr: 0.5 }], { lr: 0.25 })
    a.grad = holder.engine.ones([3, 5])
    b.grad = holder.engine.ones([3, 5])
    optimizer.step()
    expect(await a.toArray()).toEqual(testValues(15, 1).map((value) => value - 0.25))
    expect(await b.toArray()).toEqual(testValues(15, 2).map((value) => value - 0.5))
    expect(optimizer.groups.flatMap(({ params }) => params.map(({ name }) => name))).toEqual(['0', 'b'])
  })

  test('the learning rate may change between steps', async () => {
    const tensor = parameter(holder.engine, 1)
    const optimizer = sgd([tensor], { lr: 1 })
    optimizer.lr = 0.5
    tensor.grad = holder.engine.ones([3, 5])
    optimizer.step()
    expect(optimizer.lr).toBe(0.5)
    expect(await tensor.toArray()).toEqual(testValues(15, 1).map((value) => value - 0.5))
    expect(() => (optimizer.lr = NaN)).toThrow(OptionError)
    optimizer.groups[0]!.lr = -1
    expect(() => {
      optimizer.step()
    }).toThrow(/SGD: lr/)
  })

  test('zeroGrad forgets gradients', () => {
    const tensor = parameter(holder.engine, 1)
    tensor.grad = holder.engine.ones([3, 5])
    adam([tensor]).zeroGrad()
    expect(tensor.grad).toBeUndefined()
  })

  test('a step between forward and backward is noticed', () => {
    const { engine } = holder
    const tensor = parameter(engine, 1)
    const version = tensor.buffer.version
    tensor.grad = engine.ones([3, 5])
    adam([tensor]).step()
    expect(tensor.buffer.version).toBe(version + 1)
  })

  test('state outlives scopes, and memory is flat', async () => {
    const { engine } = holder
    const tensor = parameter(engine, 1, [50, 50])
    const optimizer = adam([tensor])
    const step = () => {
      engine.scope(() => {
        optimizer.zeroGrad()
        tensor.grad = engine.full([50, 50], 0.1)
        optimizer.step()
      })
    }
    for (let i = 0; i < 5; i++) step()
    await engine.idle()
    const before = engine.memory().reserved
    for (let i = 0; i < 50; i++) step()
    await engine.idle()
    expect(engine.memory().reserved).toBe(before)
  })

  test('are refused when they cannot be optimized', () => {
    const { engine } = holder
    const tensor = parameter(engine, 1)
    const refused = (parameters: Parameters<typeof adam>[0], message: RegExp) => {
      expect(() => adam(parameters)).toThrow(OptionError)
      expect(() => adam(parameters)).toThrow(message)
    }
    refused([], /at least one tensor, got "none; is everything frozen\?"/)
    refused([{ params: [tensor] }, { params: [] }], /at least one tensor/)
    refused([tensor, tensor], /each tensor once, got ""1" again, as "0""/)
    refused([{ params: [tensor] }, { params: [tensor] }], /each tensor once/)
    refused(
      [
        ['w', tensor],
        ['w', parameter(engine, 2)],
      ],
      /different names/,
    )
    refused([reshape(tensor, [15])], /leaves/)
    refused([engine.tensor(Int32Array.of(1))], /f32 tensors/)
    refused([tensor, { params: [tensor] }] as unknown as Tensor[], /a mixture/)
    refused(
      [{ params: [tensor], learningRate: 1 }] as Parameters<typeof adam>[0],
      /options among lr, betas.*learningRate/,
    )
    refused(['weight'] as unknown as Tensor[], /tensors/)
    expect(() => adam([tensor], { momentum: 0.9 } as Partial<CommonOptions>)).toThrow(/options among lr, betas/)
  })

  test('a gradient of another shape is refused', () => {
    const tensor = parameter(holder.engine, 1)
    tensor.grad = holder.engine.ones([15])
    expect(() => {
      adam([tensor]).step()
    }).toThrow(ShapeError)
  })

  test('an option that is undefined has its default', () => {
    expect(adam([parameter(holder.engine, 1)], { lr: undefined }).lr).toBe(1e-3)
  })
})

describe('state dicts', () => {
  const optimizers = {
    'SGD with momentum': (tensors: Tensor[]) => sgd(tensors, { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
    'plain SGD': (tensors: Tensor[]) => sgd(tensors, { lr: 0.1 }),
    Adam: (tensors: Tensor[]) => adam(tensors, { lr: 0.1 }),
    AdamW: (tensors: Tensor[]) => adamW(tensors, { lr: 0.1 }),
  } satisfies Record<string, (tensors: Tensor[]) => Optimizer>

  test.each(Object.entries(optimizers))('%s resumes bit-equal, through a file', async (_name, create) => {
    const { engine } = holder
    const straight = [parameter(engine, 1), parameter(engine, 2, [7])]
    train(create(straight), straight, 0, 5)

    const before = [parameter(engine, 1), parameter(engine, 2, [7])]
    const first = create(before)
    train(first, before, 0, 3)
    const bytes = encodeSafetensors(await first.stateDict())
    const values = await Promise.all(before.map((tensor) => tensor.toArray()))
    const after = before.map((tensor, i) => engine.tensor(values[i]!, tensor.shape, { requiresGrad: true }))
    const second = create(after)
    second.loadStateDict(parseSafetensors(bytes, 'memory').stateDict)
    train(second, after, 3, 2)

    for (const [i, tensor] of after.entries()) expect(await tensor.toArray()).toEqual(await straight[i]!.toArray())
  })

  test('restores options that were changed', async () => {
    const tensors = [parameter(holder.engine, 1)]
    const first = adam(tensors, { lr: 0.3 })
    new StepLR(first, { stepSize: 1, gamma: 0.1 }).step()
    const second = adam(tensors)
    second.loadStateDict(await first.stateDict())
    expect(second.groups[0]).toMatchObject({ lr: 0.3 * 0.1, initialLr: 0.3 })
  })

  test('refuses to read while stepping', async () => {
    const tensors = [parameter(holder.engine, 1)]
    const optimizer = adam(tensors)
    train(optimizer, tensors, 0, 1)
    const reading = optimizer.stateDict()
    optimizer.step()
    await expect(reading).rejects.toThrow(AutogradError)
  })

  describe('that do not fit', () => {
    async function stateOf(create: (tensors: Tensor[]) => Optimizer, tensors: Tensor[]): Promise<StateDict> {
      const optimizer = create(tensors)
      train(optimizer, tensors, 0, 1)
      return optimizer.stateDict()
    }
    const array = (shape: number[], data: number[]): NamedArray => ({
      shape,
      dtype: 'float32',
      data: Float32Array.from(data),
    })
    const groupsJson = (text: string): NamedArray => {
      const data = new TextEncoder().encode(text)
      return { shape: [data.length], dtype: 'uint8', data }
    }

    test.each<[string, (state: StateDict) => unknown, RegExp]>([
      [
        'without groups',
        (state) => state.delete('param_groups'),
        /"param_groups": expected JSON as uint8, found nothing/,
      ],
      ['groups no JSON', (state) => state.set('param_groups', groupsJson('{')), /as JSON, found {/],
      ['groups null', (state) => state.set('param_groups', groupsJson('null')), /as JSON, found null/],
      ['groups of another form', (state) => state.set('param_groups', groupsJson('{"groups":[3]}')), /as JSON/],
      ['a missing tensor', (state) => state.delete('0.exp_avg'), /exp_avg and exp_avg_sq of "0", found exp_avg_sq/],
      ['another shape', (state) => state.set('0.exp_avg', array([2], [1, 2])), /"0.exp_avg": expected shape \[3, 5\]/],
      ['too few values', (state) => state.set('0.exp_avg', array([3, 5], [1])), /\[3, 5\] with 1 values/],
      ['a tensor too many', (state) => state.set('1.exp_avg', array([1], [1])), /only what .*found "1.exp_avg"/],
      [
        'a step of another type',
        (state) => state.set('0.step', array([], [1])),
        /"0.step": expected one positive int64, found float32 1/,
      ],
      [
        'no step at all',
        (state) => state.set('0.step', { shape: [], dtype: 'int64', data: BigInt64Array.of(0n) }),
        /positive int64/,
      ],
    ])('%s', async (_name, change, message) => {
      const tensors = [parameter(holder.engine, 1)]
      const state = await stateOf(adam, tensors)
      change(state)
      const optimizer = adam(tensors)
      expect(() => {
        optimizer.loadStateDict(state)
      }).toThrow(WeightsError)
      expect(() => {
        optimizer.loadStateDict(state)
      }).toThrow(message)
    })

    test('those of another optimizer, of other groups, of other parameters', async () => {
      const { engine } = holder
      const tensors = [parameter(engine, 1)]
      const state = await stateOf(adam, tensors)
      const load = (optimizer: Optimizer) => () => {
        optimizer.loadStateDict(state)
      }
      expect(load(adamW(tensors))).toThrow(/the state of AdamW, found that of Adam/)
      expect(load(adam([{ params: tensors }, { params: [parameter(engine, 2)] }]))).toThrow(/2 parameter group/)
      expect(load(adam([...tensors, parameter(engine, 2)]))).toThrow(/the parameters "0", "1", found "0"/)
      expect(load(adam([['weight', tensors[0]!]]))).toThrow(/the parameters "weight", found "0"/)
    })

    test('options out of range', async () => {
      const tensors = [parameter(holder.engine, 1)]
      const state = await stateOf(adam, tensors)
      state.set('param_groups', groupsJson('{"optimizer":"Adam","groups":[{"params":["0"],"lr":-1}]}'))
      const optimizer = adam(tensors)
      expect(() => {
        optimizer.loadStateDict(state)
      }).toThrow(OptionError)
      expect(optimizer.lr).toBe(1e-3)
    })
  })
})
