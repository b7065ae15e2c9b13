/** Graphs that tests build: networks that are not torchvision's, graphs that are none, and files that lie. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { openWeights } from '../../../src/weights/index.js'
import { encodeModel, floatTensor, node, type RawGraph, type RawNode, type RawTensor } from './onnx-file.js'

const open = (bytes: Uint8Array<ArrayBuffer>) => openSource(bytesSource(bytes, 'net.onnx'))

async function failure(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const error = await open(bytes).then(
    () => new Error('the file was accepted'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  return (error as WeightsError).message
}

interface BlockOptions {
  /** Of the three convolutions of each block but the first. */
  readonly strides?: readonly [number, number, number]
  readonly groups?: number
  readonly sum?: string
  readonly epsilon?: number
}

/** Four bottlenecks of a few channels, with names that mean nothing. */
function resnet({ strides = [1, 2, 1], groups = 1, sum = 'Add', epsilon = 1e-5 }: BlockOptions = {}): RawGraph {
  const nodes: RawNode[] = []
  const initializer: RawTensor[] = []
  let count = 0
  const add = (op: string, inputs: readonly string[], attributes: object = {}): string => {
    const output = `x${++count}`
    nodes.push(node(op, inputs, output, attributes))
    return output
  }
  const weight = (...dims: number[]): string => {
    initializer.push(floatTensor(`w${initializer.length}`, ...dims))
    return initializer.at(-1)!.name
  }
  const conv = (input: string, from: number, to: number, size: number, stride: number, group = 1): string => {
    const pad = (size - 1) / 2
    const attributes = { kernel_shape: [size, size], strides: [stride, stride], pads: [pad, pad, pad, pad], group }
    const output = add('Conv', [input, weight(to, from / group, size, size)], attributes)
    return add('BatchNormalization', [output, weight(to), weight(to), weight(to), weight(to)], { epsilon })
  }
  const relu = (input: string) => add('Relu', [input])
  const block = (input: string, from: number, to: number, [first, second, third]: readonly number[]): string => {
    let x = relu(conv(input, from, to, 1, first!))
    x = relu(conv(x, to, to, 3, second!, groups))
    x = conv(x, to, 4 * to, 1, third!)
    const shortcut = conv(input, from, 4 * to, 1, first! * second!)
    return relu(add(sum, [x, shortcut]))
  }
  let x = relu(conv('image', 3, 2, 7, 2))
  x = add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
  x = block(x, 2, 2, [1, 1, 1])
  for (const planes of [4, 6, 8]) x = block(x, 4 * (planes - 2), planes, strides)
  x = add('Flatten', [add('GlobalAveragePool', [x])])
  add('Gemm', [x, weight(3, 32), weight(3)], { transB: 1 })
  return { node: nodes, initializer, input: [{ name: 'image' }] }
}

describe('a ResNet whose names mean nothing', () => {
  test("gets torchvision's by its structure, and says nothing of its stride where that is torchvision's", async () => {
    const opened = await open(encodeModel(resnet()))
    const names = [...opened.tensors.keys()]
    expect(names.filter((name) => !/running|bias$/.test(name)).sort()).toEqual(
      [
        ...['conv1.weight', 'bn1.weight', 'fc.weight'],
        ...['layer1.0.', 'layer2.0.', 'layer3.0.', 'layer4.0.'].flatMap((block) => [
          ...[1, 2, 3].flatMap((i) => [`${block}conv${i}.weight`, `${block}bn${i}.weight`]),
          `${block}downsample.0.weight`,
          `${block}downsample.1.weight`,
        ]),
      ].sort(),
    )
    expect(opened.tensors.get('layer2.0.downsample.0.weight')!.shape).toEqual([16, 8, 1, 1])
    expect({ ...opened.metadata }).toEqual({})
    expect(Array.from((await opened.tensors.get('fc.bias')!.read()).data, Number)).toEqual([1, 1.125, 1.25])
  })

  test('says that a stride is in the first convolution', async () => {
    const opened = await open(encodeModel(resnet({ strides: [2, 1, 1] })))
    expect({ ...opened.metadata }).toEqual({ resnet_stride: '1x1' })
  })

  test('adds by Sum as well', async () => {
    expect((await open(encodeModel(resnet({ sum: 'Sum' })))).tensors.has('layer2.0.bn3.weight')).toBe(true)
  })

  test('another epsilon becomes a part of the variances', async () => {
    const variance = async (epsilon: number) => {
      const opened = await open(encodeModel(resnet({ epsilon })))
      return Array.from((await opened.tensors.get('bn1.running_var')!.read()).data as Float32Array)
    }
    expect(await variance(1e-5)).toEqual([1, 1.125])
    expect(await variance(1e-3)).toEqual([1 + 1e-3 - 1e-5, 1.125 + 1e-3 - 1e-5].map(Math.fround))
  })

  test.each<[string, BlockOptions, RegExp]>([
    ['groups', { groups: 2 }, /group/],
    ['a stride in the last convolution', { strides: [1, 1, 2] }, /stride/],
    ['a product instead of a sum', { sum: 'Mul' }, /expected/],
  ])('with %s is refused, and not guessed', async (_, options, message) => {
    expect(await failure(encodeModel(resnet(options)))).toMatch(message)
  })

  test.each(['QuantizeLinear', 'QLinearConv'])('with %s is refused', async (operator) => {
    const graph = resnet()
    const nodes = [node(operator, ['image'], 'q'), ...graph.node]
    expect(await failure(encodeModel({ ...graph, node: nodes }))).toMatch(/computes with floats/)
  })
})

describe('a graph that is none', () => {
  const graph = resnet()
  const without = (change: Partial<RawGraph>) => encodeModel({ ...graph, ...change })

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['no nodes', without({ node: [] }), /expected/],
    ['a missing initializer', without({ initializer: graph.initializer.slice(1) }), /expected/],
    ['an initializer twice', without({ initializer: [...graph.initializer, graph.initializer[0]!] }), /it twice/],
    ['a sparse tensor', without({ sparse_initializer: [{ values: graph.initializer[0] }] }), /dense tensors/],
    [
      'a circle',
      without({ node: graph.node.map((each, i) => (i === 2 ? { ...each, input: ['x30'] } : each)) }),
      /expected/,
    ],
    ['two who make one tensor', without({ node: [...graph.node, node('Relu', ['image'], 'x3')] }), /expected/],
    ['no graph', encodeModel(undefined as never), /a graph/],
  ])('with %s is refused', async (_, bytes, message) => {
    expect(await failure(bytes)).toMatch(message)
  })
})

describe('tensors', () => {
  /** The model with another first convolution. */
  const withStem = (stem: Partial<RawTensor>) => {
    const graph = resnet()
    const [first, ...rest] = graph.initializer
    return encodeModel({ ...graph, initializer: [{ ...first!, ...stem }, ...rest] })
  }
  const stem = resnet().initializer[0]!
  const count = stem.raw_data!.length / 4

  test.each<[string, Partial<RawTensor>, (index: number) => number]>([
    ['float_data', { raw_data: undefined, float_data: Array.from({ length: count }, (_, i) => i) }, (i) => i],
    ['double_data', { raw_data: undefined, data_type: 11, double_data: Array(count).fill(0.5) }, () => 0.5],
    ['int32_data as float16', { raw_data: undefined, data_type: 10, int32_data: Array(count).fill(0x3c00) }, () => 1],
    ['int32_data as bfloat16', { raw_data: undefined, data_type: 16, int32_data: Array(count).fill(0xc040) }, () => -3],
    ['raw float64', { data_type: 11, raw_data: new Uint8Array(new Float64Array(count).fill(2).buffer) }, () => 2],
  ])('are read from %s', async (_, change, value) => {
    const { data, dtype } = await (await open(withStem(change))).tensors.get('conv1.weight')!.read()
    expect(dtype).toBe('float32')
    expect(Array.from(data, Number)).toEqual(Array.from({ length: count }, (_, i) => value(i)))
  })

  test.each<[string, Partial<RawTensor>, RegExp]>([
    ['too little data', { raw_data: new Uint8Array(8) }, /tensor "w0": expected/],
    ['too much data', { raw_data: new Uint8Array(4 * count + 4) }, /tensor "w0": expected/],
    ['a negative size', { dims: [-2, 3, 7, 7] }, /none negative/],
    ['an absurd size', { dims: [2 ** 30, 2 ** 30] }, /below 2\^53/],
    ['a hundred dimensions', { dims: Array(100).fill(1) }, /at most 32 dimensions/],
    ['text', { data_type: 8 }, /data type 8/],
    ['another shape than a kernel', { dims: [count] }, /expected/],
  ])('with %s are refused', async (_, change, message) => {
    expect(await failure(withStem(change))).toMatch(message)
  })

  describe('in a file beside the model', () => {
    let folder: string
    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'daybreak-onnx-'))
      await mkdir(path.join(folder, 'net'))
      await writeFile(path.join(folder, 'secret'), Buffer.alloc(4 * count))
      await writeFile(path.join(folder, 'net', 'data'), Buffer.concat([Buffer.alloc(8), stem.raw_data!]))
      await symlink('../secret', path.join(folder, 'net', 'link'))
    })
    afterEach(() => rm(folder, { recursive: true }))

    const openWith = async (entries: Record<string, string>) => {
      const external_data = Object.entries(entries).map(([key, value]) => ({ key, value }))
      const file = path.join(folder, 'net', 'model.onnx')
      await writeFile(file, withStem({ raw_data: undefined, data_location: 1, external_data }))
      return openWeights(file)
    }

    test('are read, by offset and length', async () => {
      const opened = await openWith({ location: 'data', offset: '8', length: String(4 * count) })
      const { data } = await opened.tensors.get('conv1.weight')!.read()
      expect(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).toEqual(stem.raw_data)
      await opened.close()
    })

    test.each([
      [{ location: '../secret' }, /same folder/],
      [{ location: '/etc/passwd' }, /same folder/],
      [{ location: '..\\secret' }, /same folder/],
      [{ location: '..' }, /same folder/],
      [{ location: '' }, /same folder/],
      [{ location: 'link' }, /symbolic link/],
      [{ location: 'none' }, /no such file/],
      [{ location: 'data', offset: '16' }, /truncated/],
      [{ location: 'data', offset: '-8' }, /the offset of external data/],
      [{ location: 'data', offset: '1e3' }, /the offset of external data/],
      [{ location: 'data', length: '4' }, /bytes of external data/],
    ])('are refused at %j', async (entries, message) => {
      await expect(openWith(entries as Record<string, string>)).rejects.toThrow(message)
      await expect(openWith(entries as Record<string, string>)).rejects.toThrow(WeightsError)
    })
  })
})

test('a file that ends too early is refused, wherever', async () => {
  const whole = encodeModel(resnet())
  for (let length = 0; length < whole.length; length += 7) expect(await failure(whole.slice(0, length))).not.toBe('')
})
