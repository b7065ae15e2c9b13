/** Many small parameters that are updated by one dispatch, bit-equal to updates one by one. */
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { crossEntropy } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { BatchNorm2d, Conv2d, Flatten, Linear, type Module, ReLU, Sequential } from '../../src/nn/index.js'
import {
  adam,
  adamW,
  clipGradNorm,
  clipGradValue,
  type Optimizer,
  type Parameters,
  sgd,
} from '../../src/optim/index.js'
import { testValues } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { recordingOf } from '../support/recording.js'

const engines = { 'the default device': useEngine(), 'tiny limits': useEngine({ requiredLimits: tinyLimits }) }
const holder = engines['the default device']

interface Network {
  readonly model: Module
  readonly parameters: ReadonlyMap<string, Tensor>
  /** Adds the gradients of batch `step`. */
  backward(step: number): void
}

/** Parameters of 10 to 1,440 elements, some no multiples of four. The same network each time. */
function network(engine: Engine): Network {
  engine.manualSeed(7)
  const model = new Sequential(engine, {
    conv1: new Conv2d(engine, 3, 6, 3, { padding: 1 }),
    bn1: new BatchNorm2d(engine, 6),
    relu: new ReLU(engine),
    conv2: new Conv2d(engine, 6, 9, 3),
    bn2: new BatchNorm2d(engine, 9),
    flatten: new Flatten(engine),
    fc: new Linear(engine, 9 * 4 * 4, 10),
  })
  const parameters = model.namedParameters()
  return {
    model,
    parameters,
    backward(step) {
      const input = engine.tensor(testValues(4 * 6 * 6 * 3, step), [4, 6, 6, 3])
      engine.scope(() => {
        crossEntropy(model.call(input), engine.tensor(Int32Array.of(1, 2, 3, step % 10))).backward()
      })
    },
  }
}

/** What stays where it is because somebody else sees its memory. */
const seen: Tensor[] = []

/** The same network with parameters that are updated one by one. */
function networkApart(engine: Engine): Network {
  const apart = network(engine)
  for (const parameter of apart.parameters.values()) {
    const alias = parameter.detach()
    engine.scopes.keep(alias)
    seen.push(alias)
  }
  return apart
}

async function valuesOf({ parameters }: Network): Promise<Record<string, unknown>> {
  const values = await Promise.all([...parameters.values()].map((parameter) => parameter.toArray()))
  return Object.fromEntries([...parameters.keys()].map((name, i) => [name, values[i]]))
}

/** The kernels of a step that begin with a prefix. */
function kernelsOf(engine: Engine, prefix: string, body: () => void): string[] {
  return recordingOf(engine.device, body).kernels.filter((kernel) => kernel.startsWith(prefix))
}

/** Does the same with both kinds of networks, and compares their parameters to the bit. */
async function compare(engine: Engine, train: (network: Network) => void | Promise<void>): Promise<void> {
  const results: unknown[] = []
  for (const make of [network, networkApart]) {
    const made = make(engine)
    await train(made)
    results.push(await valuesOf(made))
  }
  expect(results[0]).toEqual(results[1])
}

const optimizers = {
  Adam: { create: (parameters: Parameters) => adam(parameters, { lr: 0.01, weightDecay: 0.1 }), kernel: 'adam' },
  AdamW: { create: (parameters: Parameters) => adamW(parameters, { lr: 0.01 }), kernel: 'adam' },
  'SGD with momentum': {
    create: (parameters: Parameters) => sgd(parameters, { lr: 0.01, momentum: 0.9, dampening: 0.1 }),
    kernel: 'sgd',
  },
  'plain SGD': { create: (parameters: Parameters) => sgd(parameters, { lr: 0.01 }), kernel: 'sgd' },
} satisfies Record<string, { create: (parameters: Parameters) => Optimizer; kernel: string }>

describe.each(Object.entries(optimizers))('%s', (_name, { create, kernel }) => {
  test.each(Object.entries(engines))('one dispatch, the same bits: %s', async (_device, engineHolder) => {
    const { engine } = engineHolder
    await compare(engine, (made) => {
      const optimizer = create(made.parameters)
      optimizer.prepare()
      const isApart = made.parameters.get('fc.bias')!.place === undefined
      for (let step = 0; step < 4; step++) {
        optimizer.zeroGrad()
        made.backward(step)
        const kernels = kernelsOf(engine, 'optimizer/', () => {
          optimizer.step()
        })
        expect(kernels).toEqual(Array(isApart ? made.parameters.size : 1).fill(`optimizer/${kernel}`))
      }
    })
  })

  test('without prepare(), too, from the second step on', async () => {
    const { engine } = holder
    await compare(engine, (made) => {
      const optimizer = create(made.parameters)
      for (let step = 0; step < 3; step++) {
        optimizer.zeroGrad()
        made.backward(step)
        optimizer.step()
      }
    })
  })

  test('freezing and unfreezing between steps', async () => {
    const { engine } = holder
    await compare(engine, (made) => {
      const optimizer = create(made.parameters)
      optimizer.prepare()
      const counts: number[] = []
      for (let step = 0; step < 6; step++) {
        if (step === 1) made.model.freeze('bn1')
        if (step === 3) made.model.unfreeze('bn1')
        optimizer.zeroGrad()
        made.backward(step)
        counts.push(
          kernelsOf(engine, 'optimizer/', () => {
            optimizer.step()
          }).length,
        )
      }
      // bn1 divides its neighbours, and is not updated as often as they are afterwards
      if (made.parameters.get('bn1.bias')!.place) expect(counts).toEqual([1, 2, 2, 3, 3, 3])
    })
  })

  test('what was frozen in the beginning', async () => {
    await compare(holder.engine, (made) => {
      made.model.freeze({ until: 'bn2' })
      const optimizer = create(made.parameters)
      for (let step = 0; step < 4; step++) {
        if (step === 2) made.model.unfreeze()
        optimizer.zeroGrad()
        made.backward(step)
        optimizer.step()
      }
    })
  })

  test('state dicts save and load', async () => {
    const { engine } = holder
    const keys: string[][] = []
    await compare(engine, async (made) => {
      const first = create(made.parameters)
      first.prepare()
      for (let step = 0; step < 2; step++) {
        first.zeroGrad()
        made.backward(step)
        first.step()
      }
      const state = await first.stateDict()
      keys.push([...state.keys()])
      for (const [name, array] of state) {
        if (array.dtype === 'float32')
          expect(array.shape).toEqual(made.parameters.get(/^(.*)\./.exec(name)![1]!)!.shape)
      }
      const second = create(made.parameters)
      second.loadStateDict(state)
      expect(await second.stateDict()).toEqual(state)
      second.zeroGrad()
      made.backward(2)
      second.step()
    })
    expect(keys[0]).toEqual(keys[1])
  })
})

test('parameters without a gradient do not move, nor does their state', async () => {
  const { engine } = holder
  const made = network(engine)
  const optimizer = adam(made.parameters, { lr: 0.01 })
  optimizer.prepare()
  made.backward(0)
  optimizer.step()
  const [values, state] = [await valuesOf(made), await optimizer.stateDict()]
  optimizer.zeroGrad()
  made.backward(1)
  made.parameters.get('bn1.weight')!.grad = undefined
  optimizer.step()
  const [valuesAfter, stateAfter] = [await valuesOf(made), await optimizer.stateDict()]
  expect(valuesAfter['bn1.weight']).toEqual(values['bn1.weight'])
  expect(valuesAfter['bn1.bias']).not.toEqual(values['bn1.bias'])
  for (const key of ['step', 'exp_avg', 'exp_avg_sq']) {
    expect(stateAfter.get(`bn1.weight.${key}`)).toEqual(state.get(`bn1.weight.${key}`))
    expect(stateAfter.get(`bn1.bias.${key}`)).not.toEqual(state.get(`bn1.bias.${key}`))
  }
})

test('groups have options of their own, and a dispatch each', async () => {
  const { engine } = holder
  await compare(engine, (made) => {
    const [weights, biases] = [[], []] as [Tensor[], Tensor[]]
    for (const [name, parameter] of made.parameters) (name.endsWith('bias') ? biases : weights).push(parameter)
    const optimizer = adam([{ params: weights }, { params: biases, lr: 0.5, betas: [0.5, 0.9] }])
    optimizer.prepare()
    for (let step = 0; step < 2; step++) {
      optimizer.zeroGrad()
      made.backward(step)
      const kernels = kernelsOf(engine, 'optimizer/', () => {
        optimizer.step()
      })
      if (biases[0]!.place) expect(kernels).toHaveLength(2)
    }
  })
})

test('gradients add up where they are', async () => {
  await compare(holder.engine, (made) => {
    const optimizer = sgd(made.parameters, { lr: 0.1 })
    optimizer.prepare()
    made.backward(0)
    made.backward(1)
    optimizer.step()
    made.backward(2)
    optimizer.step()
  })
})

test('a gradient that somebody keeps stays as it is', async () => {
  const { engine } = holder
  const made = network(engine)
  const optimizer = adam(made.parameters)
  optimizer.prepare()
  made.backward(0)
  const kept = made.parameters.get('bn1.bias')!.grad!.detach()
  const before = await kept.toArray()
  optimizer.zeroGrad()
  made.backward(1)
  expect(await kept.toArray()).toEqual(before)
  expect(await made.parameters.get('bn1.bias')!.grad!.toArray()).not.toEqual(before)
  optimizer.step()
  await engine.idle()
})

test('two optimizers, in turn, one of them of some parameters in another order', async () => {
  const { engine } = holder
  await compare(engine, (made) => {
    const some = [...made.parameters].filter(([name]) => !name.startsWith('bn')).reverse()
    const [first, second] = [adam(made.parameters, { lr: 0.01 }), sgd(some, { lr: 0.01, momentum: 0.9 })]
    first.prepare()
    for (let step = 0; step < 4; step++) {
      first.zeroGrad()
      made.backward(step)
      first.step()
      const kernels = kernelsOf(engine, 'optimizer/', () => {
        second.step()
      })
      // conv1, conv2 and fc, with batch norms between them
      if (some[0]![1].place) expect(kernels.filter((name) => name === 'optimizer/sgd')).toHaveLength(3)
    }
  })
})

test.each(Object.entries(engines))('clipping: %s', async (_device, { engine }) => {
  const norms: unknown[] = []
  await compare(engine, async (made) => {
    const parameters = [...made.parameters.values()]
    const optimizer = sgd(made.parameters, { lr: 0.1 })
    optimizer.prepare()
    made.backward(0)
    const kernels = kernelsOf(engine, 'clip/', () => {
      const norm = clipGradNorm(parameters, 0.1)
      clipGradValue(parameters, 0.01)
      norms.push(norm)
    })
    const count = parameters[0]!.place ? 1 : parameters.length
    const times = (name: string, n: number) => Array<string>(n).fill(`clip/${name}`)
    expect(kernels).toEqual([
      ...times('sum-squares', count),
      'clip/norm',
      ...times('scale', count),
      ...times('clamp', count),
    ])
    optimizer.step()
    norms.push(await (norms.pop() as Tensor).item())
  })
  expect(norms[0]).toBe(norms[1])
})

test('another parameter as a gradient', async () => {
  const { engine } = holder
  const made = network(engine)
  const optimizer = sgd(made.parameters, { lr: 0.5 })
  optimizer.prepare()
  const [weight, bias] = ['bn1.weight', 'bn1.bias'].map((name) => made.parameters.get(name)!) as [Tensor, Tensor]
  bias.grad = weight.detach()
  optimizer.step()
  expect(await bias.toArray()).toEqual(new Float32Array(6).fill(-0.5))
})

test("another parameter's gradient as that of the result", async () => {
  const { engine } = holder
  const made = network(engine)
  sgd(made.parameters, { lr: 0.5 }).prepare()
  made.backward(0)
  const [weight, bias] = ['bn1.weight', 'bn1.bias'].map((name) => made.parameters.get(name)!) as [Tensor, Tensor]
  const [ofWeight, ofBias] = await Promise.all([weight, bias].map(({ grad }) => grad!.toArray()))
  bias.backward({ gradient: weight.grad! })
  expect(await bias.grad!.toArray()).toEqual(ofBias!.map((value, i) => value + ofWeight![i]!))
})

test('a recorded step cannot be replayed when parameters are not updated equally often any more', () => {
  const { engine } = holder
  const made = network(engine)
  const optimizer = adam(made.parameters)
  optimizer.prepare()
  made.backward(0)
  optimizer.step()
  const key = optimizer.stepKey
  const recording = recordingOf(engine.device, () => {
    optimizer.step()
  })
  recording.refresh()
  expect(optimizer.stepKey).toBe(key)
  made.parameters.get('bn1.bias')!.grad = undefined
  optimizer.step()
  expect(optimizer.stepKey).not.toBe(key)
  expect(() => {
    recording.refresh()
  }).toThrow(/cannot be replayed after steps that left some out/)
})
