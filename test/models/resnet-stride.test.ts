/** Where a bottleneck has its stride: in the 3x3 convolution as in torchvision, or in the first 1x1 as in ResNet v1. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Tensor } from '../../src/autograd/tensor.js'
import { OptionError } from '../../src/device/errors.js'
import { Bottleneck, type BottleneckStride, type ResNet, resnet18, resnet50 } from '../../src/models/index.js'
import { BatchNorm2d, Conv2d, Sequential } from '../../src/nn/index.js'
import { saveCheckpoint } from '../../src/training/checkpoint.js'
import { normalize } from '../../src/data/transforms.js'
import { sgd } from '../../src/optim/index.js'
import { readStateDict, writeStateDict } from '../../src/weights/index.js'
import { expectClose, relativeError } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { hashFill } from '../support/hash-weights.js'

const holder = useEngine()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-stride-'))
})
afterAll(() => rm(folder, { recursive: true }))

const logits = async (model: ResNet) => {
  const { engine } = holder
  const images = engine.tensor(hashFill('input', 2 * 48 * 48 * 3), [2, 48, 48, 3])
  return (await engine.noGrad(() => model.eval().call(images)).toArray()) as Float32Array
}

const strides = (model: ResNet) =>
  [...model.namedModules()].flatMap(([name, module]) =>
    module instanceof Bottleneck ? [[name, module.conv1.stride, module.conv2.stride] as const] : [],
  )

describe('bottleneckStride', () => {
  test("is torchvision's by default", async () => {
    const model = await resnet50(holder.engine)
    expect(model.bottleneckStride).toBe('3x3')
    expect(strides(model).filter(([, first, second]) => first !== 1 || second !== 1)).toEqual([
      ['layer2.0', 1, 2],
      ['layer3.0', 1, 2],
      ['layer4.0', 1, 2],
    ])
    expect(model.metadata).toEqual({})
  })

  test('1x1 moves the strides, and nothing else', async () => {
    const model = await resnet50(holder.engine, { bottleneckStride: '1x1' })
    expect(strides(model).filter(([, first, second]) => first !== 1 || second !== 1)).toEqual([
      ['layer2.0', 2, 1],
      ['layer3.0', 2, 1],
      ['layer4.0', 2, 1],
    ])
    const usual = await resnet50(holder.engine)
    expect([...(await model.stateDict()).keys()]).toEqual([...(await usual.stateDict()).keys()])
  })

  test('1x1: a bottleneck with stride 2 sees every other pixel, and does with them what one with stride 1 does', async () => {
    const { engine } = holder
    /** Every convolution that reads the input is 1x1 with stride 2, so the block may as well get an input without the rest. */
    const output = async (images: Tensor, stride: number, bottleneckStride: BottleneckStride) => {
      engine.manualSeed(1) // the same weights each time
      const shortcut = [new Conv2d(engine, 8, 16, 1, { stride, bias: false }), new BatchNorm2d(engine, 16)]
      const downsample = new Sequential(engine, shortcut)
      const block = new Bottleneck(engine, 8, 4, stride, downsample, { bottleneckStride }).eval()
      return engine.noGrad(() => block.call(images)).toArray()
    }
    const values = hashFill('image', 10 * 10 * 8)
    const images = engine.tensor(values, [1, 10, 10, 8])
    const isKept = (i: number) => Math.floor(i / 8) % 2 === 0 && Math.floor(i / 80) % 2 === 0
    const everyOther = engine.tensor(
      values.filter((_value, i) => isKept(i)),
      [1, 5, 5, 8],
    )
    const expected = await output(everyOther, 1, '3x3')
    expectClose(await output(images, 2, '1x1'), expected, 1e-6, 'output')
    expectClose(await output(everyOther, 1, '1x1'), expected, 0, 'stride 1')
    expect(relativeError(await output(images, 2, '3x3'), expected)).toBeGreaterThan(1e-2)
  })

  test('other values are refused', async () => {
    await expect(resnet50(holder.engine, { bottleneckStride: '2x2' as never })).rejects.toThrow(OptionError)
  })

  test('changes what a ResNet-50 computes, and not what a ResNet-18 does', async () => {
    for (const [create, changes] of [
      [resnet50, true],
      [resnet18, false],
    ] as const) {
      const usual = await create(holder.engine, { numClasses: 10 })
      const moved = await create(holder.engine, { numClasses: 10, bottleneckStride: '1x1' })
      moved.loadStateDict(await usual.stateDict())
      const [a, b] = [await logits(usual), await logits(moved)]
      if (changes) expect(() => expectClose(a, b, 1e-2, 'logits')).toThrow()
      else expect(a).toEqual(b)
    }
  })

  test('comes from a file that says so, stays in checkpoints, and in fused models', async () => {
    const source = await resnet50(holder.engine, { numClasses: 4, bottleneckStride: '1x1' })
    const file = path.join(folder, 'v1.safetensors')
    await writeStateDict(file, await source.stateDict(), source.metadata)
    const model = await resnet50(holder.engine, { weights: file })
    expect(model.bottleneckStride).toBe('1x1')
    expectClose(await logits(model), await logits(source), 0, 'logits')
    expect(model.fuse().bottleneckStride).toBe('1x1')

    await saveCheckpoint(path.join(folder, 'checkpoint'), {
      model,
      optimizer: sgd(model.trainableParameters(), { lr: 1 }),
      scheduler: undefined,
      scaler: undefined,
      transform: normalize({ mean: [0], std: [1] }),
      details: {},
      position: { epoch: 1, step: 0 },
      epochData: undefined,
      seed: 0,
      history: [],
    })
    const saved = path.join(folder, 'checkpoint.safetensors')
    expect((await readStateDict(saved)).metadata).toMatchObject({ resnet_stride: '1x1' })
    expect((await resnet50(holder.engine, { weights: saved })).bottleneckStride).toBe('1x1')
    expect((await resnet50(holder.engine, { weights: saved, bottleneckStride: '3x3' })).bottleneckStride).toBe('3x3')
  })
})
