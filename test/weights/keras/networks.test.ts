import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { elementCount } from '../../../src/weights/index.js'
import { openKeras } from '../../../src/weights/keras/reader.js'
import type { WeightsFile } from '../../../src/weights/weights-file.js'
import { past, present, resnetShapes, type Shapes, vggShapes } from './networks.js'
import { writeHdf5 } from './write-file.js'

/** Numbers between -1 and 1, others for every seed. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(seed * 1000 + i * 12.9898) * Math.cos(i * i * 0.37))
}

interface Opened {
  readonly opened: WeightsFile
  /** What the file was written with. */
  readonly keras: (path: string) => Float32Array
  /** What is read from it. */
  readonly torch: (name: string) => Promise<number[]>
}

/** A file with weights of these shapes. Variances are small, so that epsilons count. */
async function fileOf(shapes: Shapes, modelConfig?: object, group = ''): Promise<Opened> {
  const values = new Map(
    [...shapes].map(([path, shape], seed) => {
      const data = numbers(elementCount(shape), seed)
      return [path, /variance|std/.test(path) ? data.map((value) => 1e-5 + 1e-4 * value * value) : data]
    }),
  )
  const arrays = Object.fromEntries(
    [...shapes].map(([path, shape]) => [group + path, { shape, data: values.get(path)! }]),
  )
  const attributes = modelConfig && { '/': { model_config: JSON.stringify(modelConfig) } }
  const opened = await openKeras(bytesSource(await writeHdf5(arrays, attributes), 'net.h5'))
  return {
    opened,
    keras: (path) => values.get(path)!,
    torch: async (name) => Array.from((await opened.tensors.get(name)!.read()).data, Number),
  }
}

const only = (shapes: Shapes, path: RegExp): Shapes => new Map([...shapes].filter(([name]) => path.test(name)))

/** The first convolution, and the first block of the first stage. */
const [presentBlock, pastBlock] = [present, past].map((naming) => resnetShapes([1], naming))

const sum = (count: number, term: (index: number) => number) =>
  Array.from({ length: count }, (_, i) => term(i)).reduce((total, value) => total + value, 0)

const relative = (actual: readonly number[], expected: readonly number[]) =>
  Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!))) / Math.max(...expected.map(Math.abs))

/** The first 16 digits of the SHA-256 of torchvision 0.14's names without counters, sorted, one a line. */
const torchvision = {
  resnet50: [267, 'd1512e10e88bf8a9'],
  resnet152: [777, '9f9c78c1b0744447'],
  vgg16: [32, '66817e7930788a33'],
  vgg19: [38, 'eb851df2390fe1d9'],
} as const

describe("a whole network has torchvision's names", () => {
  test.each([
    ['resnet50', 'of today', resnetShapes([3, 4, 6, 3], present)],
    ['resnet50', 'of before 2019', resnetShapes([3, 4, 6, 3], past)],
    ['resnet152', 'of today', resnetShapes([3, 8, 36, 3], present)],
    ['vgg16', 'of today', vggShapes([2, 2, 3, 3, 3])],
    ['vgg19', 'of today', vggShapes([2, 2, 4, 4, 4])],
  ] as const)('%s, %s', async (name, _, shapes) => {
    const { opened } = await fileOf(shapes)
    const names = [...opened.tensors.keys()].sort()
    expect([names.length, createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16)]).toEqual(
      torchvision[name],
    )
  })

  test('without its head, those of the head are missing and nothing else', async () => {
    const { opened } = await fileOf(only(vggShapes([2, 2, 3, 3, 3]), /^block/))
    expect([...opened.tensors.keys()].filter((name) => !name.startsWith('features.'))).toEqual([])
    expect(opened.tensors.size).toBe(26)
  })
})

describe('ResNet computes the same', () => {
  test.each([
    ['conv2_block1_2_conv', 'conv2_block1_2_bn', present, presentBlock!, 1.001e-5],
    ['res2a_branch2b', 'bn2a_branch2b', past, pastBlock!, 1e-3],
  ])('in %s and %s', async (convolution, batchNorm, naming, shapes, epsilon) => {
    const { keras, torch } = await fileOf(shapes)
    const [inputs, outputs, image] = [5, 4, numbers(3 * 3 * 5, 99)] // a patch, [height, width, channels]
    const of = (layer: string, kind: string) => keras(`${layer}/${naming.weight(layer, kind)}`)
    const expected = Array.from({ length: outputs }, (_, o) => {
      const kernel = of(convolution, 'kernel')
      const x = sum(image.length, (i) => image[i]! * kernel[i * outputs + o]!) + of(convolution, 'bias')[o]!
      const scale = of(batchNorm, 'gamma')[o]! / Math.sqrt(of(batchNorm, 'moving_variance')[o]! + epsilon)
      return (x - of(batchNorm, 'moving_mean')[o]!) * scale + of(batchNorm, 'beta')[o]!
    })
    const weight = await torch('layer1.0.conv2.weight')
    const [gamma, beta, mean, variance] = await Promise.all(
      ['weight', 'bias', 'running_mean', 'running_var'].map((name) => torch(`layer1.0.bn2.${name}`)),
    )
    const actual = Array.from({ length: outputs }, (_, o) => {
      const x = sum(inputs, (i) => sum(9, (p) => image[p * inputs + i]! * weight[(o * inputs + i) * 9 + p]!))
      return ((x - mean![o]!) / Math.sqrt(variance![o]! + 1e-5)) * gamma![o]! + beta![o]!
    })
    expect(relative(actual, expected)).toBeLessThan(1e-5) // the file's float32
  })

  test('in its first convolution, on images that are normalised as the metadata says', async () => {
    const { opened, keras, torch } = await fileOf(presentBlock!)
    const image = numbers(7 * 7 * 3, 7).map((value) => Math.round(127.5 + 127.5 * value)) // RGB, 0..255
    const kernel = keras('conv1_conv/conv1_conv/kernel:0')
    // keras_applications/imagenet_utils.py: RGB -> BGR, then minus these means
    const bgr = image.map((_, i) => image[i - (i % 3) + (2 - (i % 3))]! - [103.939, 116.779, 123.68][i % 3]!)
    const expected = Array.from({ length: 64 }, (_, o) => sum(bgr.length, (i) => bgr[i]! * kernel[i * 64 + o]!))
    const [mean, std] = ['image_mean', 'image_std'].map((key) => JSON.parse(opened.metadata[key]!) as number[])
    const rgb = Array.from(image, (value, i) => (value / 255 - mean![i % 3]!) / std![i % 3]!)
    const weight = await torch('conv1.weight')
    const actual = Array.from({ length: 64 }, (_, o) =>
      sum(3, (c) => sum(49, (p) => rgb[p * 3 + c]! * weight[(o * 3 + c) * 49 + p]!)),
    )
    expect(relative(actual, expected)).toBeLessThan(1e-5)
    expect(opened.tensors.get('conv1.weight')!.shape).toEqual([64, 3, 7, 7])
    expect(opened.metadata.resnet_stride).toBe('1x1')
  })

  test('without biases, gammas and betas too', async () => {
    const { opened, keras, torch } = await fileOf(only(presentBlock!, /kernel|moving/))
    expect(await torch('layer1.0.bn1.weight')).toEqual([1, 1, 1])
    expect(await torch('layer1.0.bn1.bias')).toEqual([0, 0, 0])
    const mean = keras('conv2_block1_1_bn/conv2_block1_1_bn/moving_mean:0')
    expect(await torch('layer1.0.bn1.running_mean')).toEqual(Array.from(mean, Number))
    expect(opened.tensors.size).toBe(5 * (1 + 4) + 1) // convolutions and batch norms, and the head's kernel
  })
})

describe('what a model says of itself', () => {
  const layer = (name: string, options: object) => ({ class_name: 'Layer', config: { name, ...options } })
  const model = (...layers: object[]) => ({ class_name: 'Functional', config: { name: 'resnet50', layers } })

  test('its epsilon', async () => {
    const name = 'conv2_block1_1_bn'
    const config = model(model(layer(name, { epsilon: 0.5 })), layer('conv1_bn', { epsilon: null }))
    const { keras, torch } = await fileOf(presentBlock!, config)
    const shifted = async (path: string, tensor: string) =>
      (await torch(tensor)).map((value, i) => value - keras(path)[i]!)
    const own = await shifted(`${name}/${name}/moving_variance:0`, 'layer1.0.bn1.running_var')
    for (const shift of own) expect(shift).toBeCloseTo(0.5 - 1e-5, 6)
    const usual = await shifted('conv1_bn/conv1_bn/moving_variance:0', 'bn1.running_var')
    for (const shift of usual) expect(Math.abs(shift - 1e-8)).toBeLessThan(1e-10)
  })

  test.each([
    ['the usual ones', [2, 2], '1x1'],
    ["torchvision's", [1, 1], undefined],
  ])('its strides: %s', async (_, strides, expected) => {
    const { opened } = await fileOf(presentBlock!, model(layer('conv3_block1_1_conv', { strides })))
    expect(opened.metadata.resnet_stride).toBe(expected)
  })

  test('and nothing, where it is not as expected', async () => {
    for (const config of [[], { config: [1] }, { config: { layers: [null, { config: 1 }] } }]) {
      expect((await fileOf(presentBlock!, config)).opened.tensors.has('layer1.0.conv1.weight')).toBe(true)
    }
  })
})

describe('VGG', () => {
  test('computes the same behind the flattened image', async () => {
    const { opened, keras, torch } = await fileOf(vggShapes([2, 2, 3, 3, 3]))
    const [pixels, channels, outputs] = [6, 512, 4]
    const image = numbers(pixels * channels, 5) // [pixels, channels]
    const kernel = keras('fc1/fc1/kernel:0')
    const expected = Array.from({ length: outputs }, (_, o) =>
      sum(image.length, (i) => image[i]! * kernel[i * outputs + o]!),
    )
    const weight = await torch('classifier.0.weight')
    const actual = Array.from({ length: outputs }, (_, o) =>
      sum(channels, (c) =>
        sum(pixels, (p) => image[p * channels + c]! * weight[o * pixels * channels + c * pixels + p]!),
      ),
    )
    expect(relative(actual, expected)).toBeLessThan(1e-5)
    expect(await torch('features.2.bias')).toEqual(Array.from(keras('block1_conv2/block1_conv2/bias:0'), Number))
    expect(opened.metadata).toMatchObject({ image_mean: expect.any(String) as string })
    expect(opened.metadata.resnet_stride).toBeUndefined()
  })
})

describe('a network of one’s own', () => {
  test('around a known one has both', async () => {
    const head: Shapes = new Map([
      ['my_head/my_head/kernel:0', [5, 2]],
      ['my_head/my_head/bias:0', [2]],
    ])
    const backbone = [...only(presentBlock!, /^conv/)].map(([path, shape]) => {
      return [`resnet50/${path.split('/').slice(1).join('/')}`, shape] as const
    })
    const { opened, torch, keras } = await fileOf(new Map([...backbone, ...head]), undefined, 'model_weights/')
    expect(opened.tensors.get('layer1.0.downsample.0.weight')!.shape).toEqual([2, 3, 1, 1])
    const [a, b] = [await torch('my_head.weight'), keras('my_head/my_head/kernel:0')]
    expect(a).toEqual([0, 2, 4, 6, 8, 1, 3, 5, 7, 9].map((i) => b[i]!))
    expect(opened.metadata.resnet_stride).toBe('1x1')
  })

  test('on images of one channel says nothing of colours', async () => {
    const shapes = new Map(presentBlock)
    shapes.set('conv1_conv/conv1_conv/kernel:0', [7, 7, 1, 64])
    const { opened, keras, torch } = await fileOf(shapes)
    expect({ ...opened.metadata }).toEqual({ resnet_stride: '1x1' })
    const kernel = keras('conv1_conv/conv1_conv/kernel:0')
    expect((await torch('conv1.weight')).slice(0, 49)).toEqual(Array.from({ length: 49 }, (_, p) => kernel[p * 64]!))
  })

  test.each<[string, Record<string, number[]>, RegExp]>([
    [
      'kernels in the order of Theano',
      { 'conv1_conv/conv1_conv/kernel:0': [64, 3, 7, 7] },
      /"conv1_conv": expected the kernel of ResNet, \[7, 7, 3, 64\], as TensorFlow orders it, found \[64, 3, 7, 7\]/,
    ],
    [
      'a layer of ResNeXt',
      { 'conv2_block1_2_conv/conv2_block1_2_conv/depthwise_kernel:0': [3, 3, 4, 1] },
      /"conv2_block1_2_conv": expected a layer of ResNet .*, found "depthwise_kernel"/,
    ],
    [
      'a weight twice',
      { 'other/conv1_conv/kernel_1:0': [7, 7, 3, 64] },
      /"conv1_conv": expected one kernel, found two/,
    ],
    [
      'a head twice',
      { 'probs/probs/bias:0': [7] },
      /"probs": expected every layer once, found two that are "fc\.bias"/,
    ],
    [
      'sizes that do not go together',
      { 'conv1_bn/conv1_bn/gamma:0': [63] },
      /"conv1_bn\/conv1_bn\/gamma:0": expected 64 elements, .* found the shape \[63\]/,
    ],
  ])('is refused with %s', async (_, changed, message) => {
    const opening = fileOf(new Map([...presentBlock!, ...Object.entries(changed)]))
    await expect(opening).rejects.toThrow(WeightsError)
    await expect(opening).rejects.toThrow(message)
  })

  test('is refused without half of a batch norm', async () => {
    const without = [...presentBlock!].filter(([path]) => path !== 'conv1_bn/conv1_bn/moving_mean:0')
    await expect(fileOf(new Map(without))).rejects.toThrow(/"conv1_bn": expected moving_mean and moving_variance/)
  })
})
