/** A step that is recorded once and replayed: its uniforms follow the options and the number of the step. */
import { describe, expect, test } from 'vitest'
import type { Tensor } from '../../src/autograd/tensor.js'
import { OptionError } from '../../src/device/errors.js'
import { adam, adamW, GradScaler, type Optimizer, sgd, StepLR } from '../../src/optim/index.js'
import { testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { recordingOf } from '../support/recording.js'

const holder = useEngine()

function parameters(): Tensor[] {
  return [7, 64].map((size, i) => {
    const parameter = holder.engine.tensor(testValues(size, i + 1), [size], { requiresGrad: true })
    parameter.grad = holder.engine.tensor(testValues(size, i + 10))
    return parameter
  })
}

const optimizers: Record<string, (tensors: Tensor[]) => Optimizer> = {
  Adam: (tensors) => adam(tensors, { lr: 0.1, weightDecay: 0.2 }),
  AdamW: (tensors) => adamW(tensors, { lr: 0.1 }),
  'plain SGD': (tensors) => sgd(tensors, { lr: 0.1 }),
  'SGD with momentum': (tensors) => sgd(tensors, { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
}

describe.each(Object.entries(optimizers))('%s', (_name, create) => {
  test('a replay has the uniforms of the next step', async () => {
    const { device } = holder.engine
    const [replayed, stepped] = [create(parameters()), create(parameters())]
    replayed.prepare()
    const recording = recordingOf(device, () => {
      replayed.step()
    })
    stepped.step()
    for (const lr of [0.05, 0.025]) {
      replayed.lr = lr
      recording.refresh()
      stepped.lr = lr
      const next = recordingOf(device, () => {
        stepped.step()
      })
      expect(recording.kernels).toEqual(next.kernels)
      expect(recording.uniforms()).toEqual(next.uniforms())
    }
    const steps = async (optimizer: Optimizer) => (await optimizer.stateDict()).get('1.step')
    expect(await steps(replayed)).toEqual(await steps(stepped))
  })

  test('a replay with a scaler has the uniforms of the next step, and no others change', () => {
    const { device } = holder.engine
    const [replayed, stepped] = [create(parameters()), create(parameters())].map((optimizer) => {
      optimizer.prepare()
      const scaler = new GradScaler(optimizer)
      return () => {
        scaler.step()
        scaler.update()
      }
    }) as [() => void, () => void]
    const recording = recordingOf(device, replayed)
    stepped()
    recording.refresh()
    const next = recordingOf(device, stepped)
    expect(recording.kernels).toEqual(next.kernels)
    expect(recording.uniforms()).toEqual(next.uniforms())
  })

  test('a scheduler that moves on in the same step is for the next one', () => {
    const { device } = holder.engine
    const run = () => {
      const optimizer = create(parameters())
      optimizer.prepare()
      const scheduler = new StepLR(optimizer, { stepSize: 1, gamma: 0.5 })
      return () => {
        optimizer.step()
        device.everyStep(() => {
          scheduler.step()
        })
      }
    }
    const recording = recordingOf(device, run())
    const step = run()
    step()
    const second = recordingOf(device, step)
    recording.refresh()
    expect(recording.uniforms()).toEqual(second.uniforms())
  })

  test('options out of range are an error in a replay, too', () => {
    const optimizer = create(parameters())
    const recording = recordingOf(holder.engine.device, () => {
      optimizer.step()
    })
    optimizer.groups[0]!.lr = -1
    expect(() => {
      recording.refresh()
    }).toThrow(OptionError)
  })

  test('a replay counts as a change of the parameters', () => {
    const tensors = parameters()
    const optimizer = create(tensors)
    const recording = recordingOf(holder.engine.device, () => {
      optimizer.step()
    })
    const version = tensors[0]!.buffer.version
    recording.refresh()
    expect(tensors[0]!.buffer.version).toBe(version + 1)
  })
})

test('prepare() makes room for the state, which step() does not have to do any more', async () => {
  const { engine } = holder
  const tensors = parameters()
  const frozen = engine.tensor(testValues(5), [5])
  const optimizer = adam([...tensors, frozen])
  optimizer.prepare()
  const { inUse } = engine.memory()
  optimizer.step()
  expect(engine.memory().inUse).toBe(inUse)
  expect([...(await optimizer.stateDict()).keys()]).not.toContain('2.step')
  await engine.idle()
})

test('prepared parameters without an update are in no state dict', async () => {
  const optimizer = adam(parameters())
  optimizer.prepare()
  expect([...(await optimizer.stateDict()).keys()]).toEqual(['param_groups'])
})

test('momentum that begins later begins with the gradient itself', async () => {
  const { engine } = holder
  const parameter = engine.tensor([1], [1], { requiresGrad: true })
  const optimizer = sgd([parameter], { lr: 1, dampening: 0.5 })
  parameter.grad = engine.tensor([0.25])
  optimizer.step() // 0.75
  optimizer.groups[0]!.momentum = 0.5
  optimizer.step() // velocity 0.25: 0.5
  optimizer.step() // velocity 0.125 + 0.5 * 0.25: 0.25
  expect(await parameter.item()).toBe(0.25)
})
