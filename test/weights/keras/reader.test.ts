import { describe, expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { type ByteSource, bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { recogniseArchitecture } from '../../../src/weights/keras/architectures.js'
import { Hdf5File } from '../../../src/weights/keras/hdf5-file.js'
import { loadHdf5Library } from '../../../src/weights/keras/hdf5-library.js'
import { flattenedLayout, kernelLayout, type Layout, scatter } from '../../../src/weights/keras/layout.js'
import { pieces } from '../../../src/weights/keras/read-dataset.js'
import { elementCount } from '../../../src/weights/index.js'
import { kerasFile, testGenerator } from './files.js'

testGenerator()

const open = (name: string) => openSource(bytesSource(kerasFile(name), 'net.h5'))

async function failure(name: string): Promise<string> {
  const error = await open(name).then(
    () => new Error('the file was accepted'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  return (error as WeightsError).message
}

/** The values that raw.py writes, by their index in the file. */
const value = (index: number) => 1 + index / 8

describe('a file of Keras', () => {
  test.each(['plain', 'compressed'])('has the names and layouts of PyTorch: %s', async (name) => {
    const opened = await open(name)
    expect(opened.format).toBe('keras')
    const shapes = Object.fromEntries([...opened.tensors].map(([key, { shape }]) => [key, shape]))
    expect(shapes).toEqual({
      'bn.bias': [4],
      'bn.running_mean': [4],
      'bn.running_var': [4],
      'bn.weight': [4],
      'conv.bias': [4],
      'conv.weight': [4, 2, 3, 2],
      'out.bias': [3],
      'out.weight': [3, 4],
    })
    const { data } = await opened.tensors.get('conv.weight')!.read()
    for (let o = 0; o < 4; o++) {
      for (let i = 0; i < 2; i++) {
        for (let k = 0; k < 6; k++) expect(data[(o * 2 + i) * 6 + k]).toBe(value((k * 2 + i) * 4 + o))
      }
    }
    const dense = (await opened.tensors.get('out.weight')!.read()).data
    expect(Array.from(dense, Number)).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map(value))
    await opened.close()
  })

  test("a batch norm gets PyTorch's epsilon, and a weight where it has none", async () => {
    const { tensors } = await open('plain')
    const read = async (name: string) => Array.from((await tensors.get(name)!.read()).data, Number)
    expect(await read('bn.weight')).toEqual([1, 1, 1, 1])
    expect(await read('bn.running_var')).toEqual([0, 1, 2, 3].map((i) => Math.fround(value(i) + (1e-3 - 1e-5))))
    expect(await read('bn.running_mean')).toEqual([0, 1, 2, 3].map(value))
  })

  test('of version 3 is read where it names its layers', async () => {
    const { tensors } = await open('keras3')
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ['layer0.weight', [3, 2, 1, 1]],
      ['layer0.bias', [3]],
      ['layer1.weight', [2, 3]],
      ['layer1.bias', [2]],
    ])
    expect(await failure('keras3-without-names')).toMatch(/save it again with model\.save\("model\.h5"\)/)
  })

  test('has halves and doubles, which become float32', async () => {
    const { tensors } = await open('half')
    expect([...tensors].map(([name, { storedType, dtype }]) => [name, storedType, dtype])).toEqual([
      ['dense.bias', 'float64', 'float32'],
      ['dense.weight', 'float16', 'float32'],
    ])
    expect(Array.from((await tensors.get('dense.bias')!.read()).data, Number)).toEqual([0, 1, 2].map(value))
  })

  test('cannot be read when it is closed', async () => {
    const opened = await open('plain')
    await opened.close()
    await expect(opened.tensors.get('out.bias')!.read()).rejects.toThrow(/an open file, found one that was closed/)
  })

  test.each([
    ['external-link', /"stolen": expected a group or a dataset, found a link to "\/etc\/passwd"/],
    ['soft-link', /expected a group or a dataset, found a link to "\/dense\/dense\/kernel:0"/],
    ['circle', /at most 16 groups in each other/],
    ['external-storage', /expected/],
    ['virtual', /elements of its own, found those of other datasets/],
    ['bomb', /"dense\/dense\/kernel:0": expected 1099511627776 bytes for the shape/],
    ['wide-chunk', /chunks of at most 67108864 bytes/],
    ['other-filter', /no compression but gzip/],
    ['nothing', /weights of a Keras model, found an HDF5 file without any/],
    ['integers', /weights of a Keras model, found an HDF5 file without any/],
  ])('is refused with %s', async (name, message) => {
    const opening = name === 'external-storage' ? readAll(name) : failure(name)
    expect(await opening).toMatch(message)
  })

  /** Reading is what must fail here, if opening does not. */
  async function readAll(name: string): Promise<string> {
    try {
      for (const tensor of (await open(name)).tensors.values()) await tensor.read()
    } catch (error) {
      expect(error).toBeInstanceOf(WeightsError)
      return (error as Error).message
    }
    throw new Error('it was read')
  }

  test('is refused where it is cut off', async () => {
    const whole = kerasFile('plain')
    for (const length of [9, 100, 1000, whole.length - 1]) {
      const source = bytesSource(whole.slice(0, length), 'net.h5')
      await expect(openSource(source)).rejects.toThrow(WeightsError)
    }
  })

  test('needs h5wasm, and says so', async () => {
    const options = { log: () => undefined, refuseMemory: () => false }
    await expect(loadHdf5Library('net.h5', options, 'h5wasm-that-is-missing')).rejects.toThrow(
      /the optional package h5wasm-that-is-missing, .* run `npm install h5wasm-that-is-missing`/,
    )
  })
})

describe('the sandbox', () => {
  test('gives up a task that does not end, and the file with it', async () => {
    const file = await Hdf5File.open(bytesSource(kerasFile('plain'), 'net.h5'), 0.2)
    const endless = () =>
      file.run(() => {
        for (;;);
      })
    expect(endless).toThrow(/takes the library more than 0\.2 seconds/)
    expect(() => file.run(() => 1)).toThrow(WeightsError)
  })

  test('turns whatever is thrown into a WeightsError', async () => {
    const source: ByteSource = bytesSource(kerasFile('plain'), 'net.h5')
    const file = await Hdf5File.open(source)
    const failing = () =>
      file.run(() => {
        throw new RangeError('wild')
      })
    expect(failing).toThrow(WeightsError)
  })
})

describe('recogniseArchitecture', () => {
  const names = (layers: string[]) => recogniseArchitecture(new Set(layers))

  test("knows ResNet's layers of both generations", () => {
    const now = names(['conv1_conv', 'conv1_bn', 'conv2_block1_0_bn', 'conv2_block1_3_bn'])!
    expect(
      ['conv1_conv', 'conv1_bn', 'conv2_block1_0_conv', 'conv4_block6_2_bn', 'predictions', 'pool'].map((l) =>
        now.moduleOf(l),
      ),
    ).toEqual(['conv1', 'bn1', 'layer1.0.downsample.0', 'layer3.5.bn2', 'fc', undefined])
    const before = names(['conv1', 'bn_conv1', 'res2a_branch1', 'bn2a_branch2c'])!
    expect(
      ['conv1', 'bn_conv1', 'res2a_branch1', 'bn4f_branch2b', 'fc1000', 'x'].map((l) => before.moduleOf(l)),
    ).toEqual(['conv1', 'bn1', 'layer1.0.downsample.0', 'layer3.5.bn2', 'fc', undefined])
    expect([now.epsilon, before.epsilon]).toEqual([1.001e-5, undefined])
  })

  test("counts VGG's layers as torchvision does", () => {
    const layers = [2, 2, 3, 3, 3].flatMap((count, block) =>
      Array.from({ length: count }, (_, i) => `block${block + 1}_conv${i + 1}`),
    )
    const vgg = names([...layers, 'fc1'])!
    expect(layers.map((layer) => vgg.moduleOf(layer))).toEqual(
      [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28].map((i) => `features.${i}`),
    )
    expect(['fc1', 'fc2', 'predictions'].map((layer) => vgg.moduleOf(layer))).toEqual(
      [0, 3, 6].map((i) => `classifier.${i}`),
    )
  })

  test.each([
    ['DenseNet', ['conv1_conv', 'conv1_bn', 'conv2_block1_1_conv', 'conv2_block1_0_bn']],
    ['ResNetV2', ['conv1_conv', 'conv2_block1_0_conv', 'conv2_block1_preact_bn']],
    ['Xception', ['block1_conv1', 'block1_conv2', 'block2_sepconv1']],
  ])('does not take %s for one', (_, layers) => {
    expect(names(layers)).toBeUndefined()
  })
})

describe('layouts', () => {
  const apply = (layout: Layout) => {
    const count = elementCount(layout.source)
    const result = new Float32Array(count)
    // in pieces that end anywhere
    for (let at = 0; at < count; at += 7) {
      const length = Math.min(7, count - at)
      scatter(
        Float32Array.from({ length }, (_, i) => at + i),
        at,
        layout,
        result,
      )
    }
    return result
  }

  test('reversed input channels: BGR to RGB', () => {
    const result = apply(kernelLayout([2, 2, 3, 4], true))
    for (let o = 0; o < 4; o++) {
      for (let i = 0; i < 3; i++) {
        for (let k = 0; k < 4; k++) expect(result[(o * 3 + i) * 4 + k]).toBe((k * 3 + (2 - i)) * 4 + o)
      }
    }
  })

  test('a dense layer behind a flattened image', () => {
    const [pixels, channels, outputs] = [6, 5, 3]
    const layout = flattenedLayout([pixels * channels, outputs], channels)
    expect(layout.shape).toEqual([outputs, pixels * channels])
    const result = apply(layout)
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < pixels; p++) {
          expect(result[o * pixels * channels + c * pixels + p]).toBe((p * channels + c) * outputs + o)
        }
      }
    }
  })

  test.each([
    [[], 4],
    [[0, 3], 4],
    [[5], 2],
    [[4, 3], 6],
    [[4, 3], 2],
    [[2, 3, 4], 5],
    [[2, 3, 4], 24],
  ])('pieces of %j of at most %i elements are all of it, in order', (shape, most) => {
    const seen: number[] = []
    for (const { offset, count } of pieces(shape, most)) {
      expect(elementCount(count)).toBeLessThanOrEqual(Math.max(most, 1))
      const start = offset.reduce((index, at, axis) => index * shape[axis]! + at, 0)
      for (let i = 0; i < elementCount(count); i++) seen.push(start + i)
    }
    expect(seen).toEqual(Array.from({ length: elementCount(shape) }, (_, i) => i))
  })
})
