/** Batch norms folded into convolutions: the same logits with less work, and the original as it was. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.js'
import { sum } from '../../src/autograd/ops/reduce.js'
import { AutogradError, OptionError, WeightsError } from '../../src/device/errors.js'
import { type Classifier, createModel, ResNet, summary, VGG } from '../../src/models/index.js'
import { BatchNorm2d, Conv2d, Identity } from '../../src/nn/index.js'
import { stateDictShape } from '../../src/nn/layout.js'
import type { StateDict } from '../../src/nn/state-dict.js'
import { sgd } from '../../src/optim/index.js'
import { expectClose } from '../support/compare.js'
import { digestsOf } from '../support/digests.js'
import { useEngine } from '../support/engine.js'
import { loadGolden } from '../support/golden.js'
import { hashBatch, hashFill, hashStateDict } from '../support/hash-weights.js'

const holder = useEngine()

/** f32's precision (6e-8) times some tens of layers, each of which rounds its folded weights and its sums anew. */
const tolerance = 1e-5

const side = (name: string) => (name === 'minivgg' ? 28 : 32)

/** With running statistics, weights and biases that are far from their initial values. */
async function trained(name: string, numClasses = 10): Promise<Classifier> {
  const { engine } = holder
  // without initial values, as all are replaced
  const model = await engine.device.withoutRunning(() => createModel(engine, name, { numClasses }))
  const shapes = [...model.namedState()].map(([key, entry]) => {
    return [key, entry.kind === 'counter' ? [] : stateDictShape(entry.tensor.shape, entry.layout)] as const
  })
  model.loadStateDict(hashStateDict(shapes))
  return model
}

async function logits(model: Classifier, name: string): Promise<Float32Array> {
  const { engine } = holder
  const shape = [2, side(name), side(name), name === 'minivgg' ? 1 : 3]
  const images = engine.tensor(hashFill('input', 2 * shape[1]! * shape[2]! * shape[3]!), shape)
  return (await engine.noGrad(() => engine.scope(() => model.call(images))).toArray()) as Float32Array
}

/** The names of the kernels that run for one batch, in their order. */
async function programsOf(model: Classifier, name: string): Promise<string[]> {
  const dispatch = vi.spyOn(holder.engine.device, 'dispatch')
  try {
    await logits(model, name)
    return dispatch.mock.calls.map(([program]) => program.name)
  } finally {
    dispatch.mockRestore()
  }
}

const kinds = (model: Classifier) => [...model.namedModules().values()]

describe.each(['resnet18', 'resnet50', 'vgg11_bn', 'vgg11', 'minivgg'])('%s, fused', (name) => {
  let model: Classifier
  beforeAll(async () => {
    model = await trained(name)
  })
  afterAll(() => {
    model.dispose()
    holder.engine.device.trim()
  })

  test('gives the same logits; the original does not change', async () => {
    const before = digestsOf(await model.stateDict())
    const logitsBefore = await logits(model.eval(), name)
    const fused = model.fuse()
    expectClose(await logits(fused, name), logitsBefore, tolerance, 'logits')
    expect(await logits(model, name)).toEqual(logitsBefore)
    expect(digestsOf(await model.stateDict())).toEqual(before)
    expect(fused).not.toBe(model)
    expect(fused.architecture).toBe(name)
    expect(fused.numClasses).toBe(10)
    fused.dispose()
  })

  test('has no batch norms, and a bias in every convolution', async () => {
    const norms = kinds(model).filter((module) => module instanceof BatchNorm2d).length
    const fused = model.fuse()
    expect(kinds(fused).filter((module) => module instanceof BatchNorm2d)).toEqual([])
    expect(kinds(fused).filter((module) => module instanceof Identity)).toHaveLength(norms)
    for (const module of kinds(fused)) if (module instanceof Conv2d) expect(module.bias).toBeDefined()
    const names = [...fused.namedParameters().keys()]
    expect(names.filter((each) => /bn\d|running|downsample\.1/.test(each))).toEqual([])
    // the first run packs weights; from then on the original's convolutions do the batch norms' work as well
    for (const each of [fused, model.eval()]) await logits(each, name)
    const programs = await programsOf(fused, name)
    expect(programs.filter((program) => program.startsWith('batch-norm-2d/'))).toEqual([])
    expect(await programsOf(model, name)).toEqual(programs)
    fused.dispose()
  })

  test('is for inference: evaluating, frozen, and its convolutions stay so', () => {
    const fused = model.fuse()
    expect(fused.training).toBe(false)
    expect(fused.trainableParameters()).toEqual([])
    if (model.parameters().length !== fused.parameters().length) expect(() => fused.unfreeze()).toThrow(AutogradError)
    fused.unfreeze(fused.headName)
    expect(fused.trainableParameters()).toHaveLength(2)
    fused.dispose()
  })

  test('returns its memory, and leaves nothing behind', () => {
    const { inUse } = holder.engine.memory()
    for (let i = 0; i < 3; i++) {
      model.fuse().dispose()
      expect(holder.engine.memory().inUse).toBe(inUse)
    }
  })
})

/** The tolerance of `networks.test.ts`, which explains it, for networks that are not fused. */
test.each(['resnet18', 'resnet50', 'vgg11_bn'])("%s, fused, equals torchvision's network in float64", async (name) => {
  const golden = loadGolden(name).cases.find(({ attributes }) => attributes.mode === 'evaluation')!
  const { numClasses, batch, size, float32Error } = golden.attributes as {
    numClasses: number
    batch: number
    size: number
    float32Error: { logits: number }
  }
  const { engine } = holder
  const model = await trained(name, numClasses)
  const fused = model.fuse()
  model.dispose() // nothing is shared
  const { input } = hashBatch(batch, size, numClasses)
  const output = engine.noGrad(() => fused.call(engine.tensor(input.data, input.shape)))
  const allowed = Math.max(2e-5, 10 * float32Error.logits)
  expectClose(await output.toArray(), golden.tensor('logits').data, allowed, 'logits')
  fused.dispose()
})

describe('fuse()', () => {
  test('goes by the running statistics, whatever the mode, and uses up no random numbers', async () => {
    const model = await trained('resnet18')
    const random = holder.engine.random.state
    const whileTraining = model.train().fuse()
    const whileEvaluating = model.eval().fuse()
    expect(holder.engine.random.state).toEqual(random)
    expect(digestsOf(await whileTraining.stateDict())).toEqual(digestsOf(await whileEvaluating.stateDict()))
  })

  test('computes W * gamma / sqrt(var + eps), and beta - mean * gamma / sqrt(var + eps)', async () => {
    const model = await trained('resnet18')
    const original = await model.stateDict()
    const fused = await model.fuse().stateDict()
    const values = (from: StateDict, key: string) => from.get(key)!.data as Float32Array
    const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map((key) =>
      values(original, `layer1.0.bn2.${key}`),
    )
    const scales = Array.from(gamma!, (value, c) => value / Math.sqrt(variance![c]! + 1e-5))
    const weight = values(original, 'layer1.0.conv2.weight')
    const perOutput = weight.length / scales.length
    const expectedWeight = Array.from(weight, (value, i) => value * scales[Math.floor(i / perOutput)]!)
    expectClose(values(fused, 'layer1.0.conv2.weight'), expectedWeight, 1e-6, 'weight')
    const expectedBias = scales.map((scale, c) => beta![c]! - mean![c]! * scale)
    expectClose(values(fused, 'layer1.0.conv2.bias'), expectedBias, 1e-6, 'bias')
  })

  test('keeps a channel that a batch norm switches off, and one that hardly varies', async () => {
    const model = await trained('resnet18')
    const stateDict = await model.stateDict()
    ;(stateDict.get('bn1.weight')!.data as Float32Array)[3] = 0
    ;(stateDict.get('bn1.running_var')!.data as Float32Array)[4] = 1e-12
    model.loadStateDict(stateDict)
    expectClose(await logits(model.fuse(), 'resnet18'), await logits(model.eval(), 'resnet18'), tolerance, 'logits')
  })

  test('of a fused model gives an equal one, into which its state dict loads; torchvision-like ones refuse it', async () => {
    const model = await trained('resnet18')
    const fused = model.fuse()
    const stateDict = await fused.stateDict()
    const again = fused.fuse()
    expect(digestsOf(await again.stateDict())).toEqual(digestsOf(stateDict))
    again.loadStateDict(stateDict)
    expect(() => model.loadStateDict(stateDict)).toThrow(WeightsError)
    expect(() => fused.loadStateDict(new Map([...stateDict].slice(1)))).toThrow('conv1.weight')
  })

  test('gives a model that a new head can be trained on, as on the frozen original', async () => {
    const { engine } = holder
    const original = (await trained('resnet18')).freeze()
    const fused = original.fuse()
    const gradientsOf = async (model: Classifier) => {
      model.train().unfreeze('fc')
      const images = engine.tensor(hashFill('input', 4 * 32 * 32 * 3), [4, 32, 32, 3])
      crossEntropy(model.call(images), engine.tensor(Int32Array.of(3, 1, 4, 1))).backward()
      expect(model.parameters().filter(({ grad }) => grad)).toHaveLength(2)
      return model.namedParameters().get('fc.weight')!.grad!.toArray()
    }
    expectClose(await gradientsOf(fused), await gradientsOf(original), tolerance, 'gradient of fc.weight')
  })

  test('gives a model that nobody trains by accident', async () => {
    const { engine } = holder
    const fused = (await trained('resnet18')).fuse().train()
    expect(() => sgd(fused.trainableParameters(), { lr: 1 })).toThrow(OptionError)
    const output = fused.call(engine.zeros([1, 32, 32, 3]))
    expect(() => sum(output).backward()).toThrow('does not depend on any tensor that requires gradients')
  })

  test('gives a model that summary() describes', async () => {
    const lines = summary((await trained('resnet18')).fuse(), [1, 224, 224, 3]).split('\n')
    expect(lines[3]).toMatch(/^ +FusedConv2d-1 +\[-1, 64, 112, 112\] +9,472$/) // 7 * 7 * 3 * 64 + 64
    expect(lines).toContain('Trainable params: 0')
    // 11,181,642 with 10 classes; 4,800 channels lose their batch norm's two parameters and get one bias
    expect(lines).toContain('Total params: 11,176,842')
  })

  test('takes a new head along', async () => {
    const model = (await trained('resnet18', 1000)).replaceHead(3)
    const fused = model.fuse()
    expect(fused.numClasses).toBe(3)
    expectClose(await logits(fused, 'resnet18'), await logits(model.eval(), 'resnet18'), tolerance, 'logits')
  })

  test('gives the kind of model that it was called on, and its report', async () => {
    const model = await trained('resnet50')
    const fused = model.fuse()
    expect(fused).toBeInstanceOf(ResNet)
    expect(fused.loadReport).toBe(model.loadReport)
    expect((await trained('vgg11_bn')).fuse()).toBeInstanceOf(VGG)
  })

  test('refuses a network whose layers were replaced', async () => {
    const model = await trained('vgg11_bn')
    assertVgg(model)
    model.features.replace(0, new Conv2d(holder.engine, 3, 64, 5, { padding: 2 }))
    const { inUse } = holder.engine.memory()
    expect(() => model.fuse()).toThrow(
      new OptionError('fuse', 'parameters of the shapes that the model was made with', 'others in features.0'),
    )
    expect(holder.engine.memory().inUse).toBe(inUse)
    model.features.replace(2, new Identity(holder.engine))
    expect(() => model.fuse()).toThrow(
      /a vgg11_bn of the layers that it was made with, got "a Identity as features\.2"/,
    )
  })
})

function assertVgg(model: Classifier): asserts model is VGG {
  if (!(model instanceof VGG)) throw new Error('no VGG')
}
