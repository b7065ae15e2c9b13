/** Profiles of whole steps: nothing is left out, everything has its label, and the model is as it was. */
import { describe, expect, test } from 'vitest'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { noLabel } from '../../src/device/label.js'
import { createModel } from '../../src/models/index.js'
import { BatchNorm2d, Conv2d, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.js'
import { sgd } from '../../src/optim/index.js'
import { profileRows, profileStep } from '../../src/training/index.js'
import { useEngine } from '../support/engine.js'
import { measures } from '../support/timestamps.js'

const holder = useEngine()
const inputShape = [4, 8, 8, 3]

function smallNetwork() {
  const { engine } = holder
  return new Sequential(engine, [
    new Sequential(engine, [
      new Conv2d(engine, 3, 8, 3, { padding: 1, bias: false }),
      new BatchNorm2d(engine, 8),
      new ReLU(engine),
    ]),
    new Flatten(engine),
    new Linear(engine, 8 * 8 * 8, 5),
  ])
}

describe.runIf(measures)('profileStep', () => {
  test('measures every dispatch of a training step, for the module and phase that it is of', async () => {
    const profile = await profileStep(smallNetwork(), { inputShape, mode: 'training', repetitions: 2 })
    expect(profile.dispatches.length).toBeGreaterThan(10)
    const sum = profile.dispatches.reduce((total, { milliseconds }) => total + milliseconds, 0)
    expect(sum).toBeGreaterThan(0)
    expect(profile.gpuTime).toBeCloseTo(sum, 6)
    for (const by of ['kernel', 'layer', 'dispatch'] as const) {
      const rows = profileRows(profile.dispatches, profile.peaks, by)
      expect(rows.reduce((total, { calls }) => total + calls, 0)).toBe(profile.dispatches.length)
      expect(rows.reduce((total, { share }) => total + share, 0)).toBeCloseTo(1, 6)
    }
    const labels = new Set(profile.dispatches.map(({ label }) => `${label.phase} ${label.module}`))
    // the ReLU 0.2 runs with the batch norm before it, as it does when nobody takes a profile
    for (const layer of ['0.0', '0.1', '2']) {
      expect(labels).toContain(`forward ${layer}`)
      expect(labels).toContain(`backward ${layer}`)
    }
    expect(labels).toContain('loss (loss)')
    expect(labels).toContain('backward (loss)')
    expect(labels).toContain('optimizer (optimizer)')
    for (const label of labels) expect(label).toMatch(/^(forward|loss|backward|optimizer) \S+$/)
    const convolution = profile.dispatches.find(({ label }) => label.phase === 'forward' && label.module === '0.0')!
    expect(convolution.operations).toBeGreaterThan(0)
    expect(convolution.bytes).toBeGreaterThan(0)
  })

  test('tells of the step as a whole', async () => {
    const profile = await profileStep(smallNetwork(), { inputShape, mode: 'training' })
    expect(profile.phases.map(({ name }) => name)).toEqual(['forward', 'loss', 'backward', 'optimizer', 'submit'])
    let end = 0
    for (const { start, milliseconds } of profile.phases) {
      expect(start).toBeGreaterThanOrEqual(end)
      end = start + milliseconds
    }
    expect(profile).toMatchObject({ mode: 'training', inputShape, adapter: holder.engine.device.adapter })
    expect(profile.submits).toBeGreaterThanOrEqual(1)
    expect(profile.pipelines).toBeGreaterThan(5)
    expect(profile.memory.peak).toBeGreaterThanOrEqual(profile.memory.inUse)
    expect(profile.recordingTime).toBeLessThanOrEqual(profile.stepTime)
  })

  test('of inference has no tape and leaves the parameters alone', async () => {
    const model = smallNetwork()
    const before = await model.stateDict()
    const profile = await profileStep(model, { inputShape, mode: 'forward', repetitions: 1 })
    expect(profile.phases.map(({ name }) => name)).toEqual(['forward', 'submit'])
    expect(new Set(profile.dispatches.map(({ label }) => label.phase))).toEqual(new Set(['forward']))
    expect(await model.stateDict()).toEqual(before)
  })

  test('knows the layers of a ResNet by their paths, and what works between them', async () => {
    const model = await createModel(holder.engine, 'resnet18', { numClasses: 4 })
    model.freeze({ until: 'layer4' })
    const shape = [2, 32, 32, 3]
    const { dispatches } = await profileStep(model, { inputShape: shape, mode: 'training', repetitions: 1 })
    const modulesOf = (phase: string) =>
      new Set(dispatches.filter(({ label }) => label.phase === phase).map(({ label }) => label.module))
    expect(modulesOf('forward')).toContain('layer1.0.conv1')
    expect(modulesOf('forward')).toContain('layer4.0.downsample.0')
    expect(modulesOf('backward')).toContain('layer4.1.conv2')
    // nothing before layer 4 gets gradients
    for (const module of modulesOf('backward'))
      expect(module).toMatch(/^(layer4|fc|avgpool|flatten|\(loss\)|\(model\))/)
    model.dispose()
  })

  test('leaves modes, labels, hooks, gradients and memory as they were', async () => {
    const { engine } = holder
    const model = smallNetwork()
    const frozen = model.at(0)
    frozen.eval()
    const optimizer = sgd(model.trainableParameters(), { lr: 0.1 })
    await profileStep(model, { inputShape, mode: 'training', optimizer, repetitions: 1 })
    const before = engine.memory().inUse
    await profileStep(model, { inputShape, mode: 'training', optimizer, repetitions: 1 })
    expect(engine.memory().inUse).toBe(before)
    expect([model.training, frozen.training]).toEqual([true, false])
    expect(model.parameters().every(({ grad }) => grad === undefined)).toBe(true)
    expect(engine.device.label).toBe(noLabel)
    const times = await engine.device.profile(() => {
      engine.scope(() => engine.noGrad(() => void model.call(engine.ones(inputShape))))
    })
    for (const { label } of times) expect(label).toBe(noLabel)
  })

  test('refuses what makes no sense, and ends as it should', async () => {
    const { engine } = holder
    const model = smallNetwork()
    const options = { inputShape, mode: 'training' } as const
    await expect(profileStep(model, { ...options, repetitions: 0 })).rejects.toThrow(OptionError)
    await expect(profileStep(model.freeze(), options)).rejects.toThrow(OptionError)
    const images = new Sequential(engine, [new Conv2d(engine, 3, 8, 3)])
    await expect(profileStep(images, options)).rejects.toThrow(ShapeError)
    await expect(profileStep(smallNetwork(), { ...options, inputShape: [4, 8, 8, 1] })).rejects.toThrow(ShapeError)
    expect(engine.device.label).toBe(noLabel)
    expect((await profileStep(smallNetwork(), options)).dispatches.length).toBeGreaterThan(0)
  })
})
