/** Prediction: which classes come first, how images are batched, and what is left behind. */
import { describe, expect, test } from 'vitest'
import { reshape } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import type { DecodedImage } from '../../src/data/index.js'
import { normalize } from '../../src/data/transforms.js'
import { DataError, OptionError, ShapeError } from '../../src/device/errors.js'
import { minivgg, resnet18 } from '../../src/models/index.js'
import { Module } from '../../src/nn/index.js'
import { predict, type Prediction } from '../../src/training/index.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()

/** Takes pixels for logits: as many classes as there are in an image. */
class PixelsAsLogits extends Module {
  readonly batches: { shape: readonly number[]; training: boolean; recorded: boolean }[] = []

  override forward(input: Tensor): Tensor {
    const output = reshape(input, [input.shape[0]!, -1])
    this.batches.push({ shape: input.shape, training: this.training, recorded: this.engine.gradEnabled })
    return output
  }
}

/** Bytes become 0..1, so that a pixel is a logit of (byte / 255). */
const unchanged = normalize({ mean: [0], std: [1] })

function image(data: number[], height = 1): DecodedImage {
  return { height, width: data.length / height, channels: 1, data: Uint8Array.from(data) }
}

/** exp(x) / sum(exp(x)) of the bytes' logits. */
function softmax(bytes: number[]): number[] {
  const exponentials = bytes.map((byte) => Math.exp(byte / 255))
  const sum = exponentials.reduce((a, b) => a + b)
  return exponentials.map((value) => value / sum)
}

const indices = ({ top }: Prediction) => top.map(({ index }) => index)

describe('the classes of an image', () => {
  test('are the most probable ones, the best first', async () => {
    const bytes = [10, 200, 30, 255, 90, 0, 120]
    const model = new PixelsAsLogits(holder.engine)
    const [prediction] = await predict(model, [image(bytes)], { transform: unchanged })
    expect(indices(prediction!)).toEqual([3, 1, 6, 4, 2])
    const probabilities = prediction!.top.map(({ probability }) => probability)
    // the division by 255 is in f32
    expectClose(
      probabilities,
      [3, 1, 6, 4, 2].map((index) => softmax(bytes)[index]!),
      1e-7,
      'probabilities',
    )
    expect(prediction).not.toHaveProperty('probabilities')
    expect(prediction!.top[0]).not.toHaveProperty('name')
  })

  test.each([
    [1, [3]],
    [6, [3, 1, 6, 4, 2, 0]],
    [7, [3, 1, 6, 4, 2, 0, 5]],
    [100, [3, 1, 6, 4, 2, 0, 5]],
  ])('are %d, or as many as there are', async (topK, expected) => {
    const model = new PixelsAsLogits(holder.engine)
    const bytes = [10, 200, 30, 255, 90, 0, 120]
    const [prediction] = await predict(model, [image(bytes)], { transform: unchanged, topK })
    expect(indices(prediction!)).toEqual(expected)
  })

  test('come in their own order where they are equally probable', async () => {
    const model = new PixelsAsLogits(holder.engine)
    const bytes = [5, 9, 5, 9, 9, 5]
    const [prediction] = await predict(model, [image(bytes)], { transform: unchanged, topK: 6 })
    expect(indices(prediction!)).toEqual([1, 3, 4, 0, 2, 5])
  })

  test('have names if they are given, and all probabilities on demand', async () => {
    const model = new PixelsAsLogits(holder.engine)
    const options = { transform: unchanged, topK: 2, classes: ['cat', 'dog', 'emu'], probabilities: true }
    const [prediction] = await predict(model, [image([0, 255, 128])], options)
    expect(prediction!.top.map(({ index, name }) => [index, name])).toEqual([
      [1, 'dog'],
      [2, 'emu'],
    ])
    expectClose(prediction!.probabilities!, softmax([0, 255, 128]), 1e-7, 'probabilities')
    expect(prediction!.probabilities!.reduce((a, b) => a + b)).toBeCloseTo(1, 14)
  })

  test('are certain or impossible where logits are far apart, without overflow', async () => {
    const model = new PixelsAsLogits(holder.engine)
    const transform = normalize({ mean: [0], std: [1e-4] }) // logits of 0 and 10,000: exp() of them is infinite
    const [prediction] = await predict(model, [image([0, 255])], { transform, probabilities: true })
    expect([...prediction!.probabilities!]).toEqual([0, 1])
  })
})

describe('batches', () => {
  const images = [
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
    [9, 8],
  ].map((bytes) => image(bytes))

  test.each([
    [undefined, [5]],
    [1, [1, 1, 1, 1, 1]],
    [2, [2, 2, 1]],
    [5, [5]],
    [6, [5]],
  ])('of %s images', async (batchSize, sizes) => {
    const model = new PixelsAsLogits(holder.engine)
    const predictions = await predict(model, images, { transform: unchanged, batchSize })
    expect(model.batches.map(({ shape }) => shape[0])).toEqual(sizes)
    expect(predictions.map((prediction) => indices(prediction)[0])).toEqual([1, 1, 1, 1, 0])
  })

  test('have one size each, and the predictions the order of the images', async () => {
    const model = new PixelsAsLogits(holder.engine)
    const mixed = [image([1, 2]), image([4, 3]), image([1, 2, 3, 4], 2), image([1, 2, 9, 4]), image([5, 6])]
    const predictions = await predict(model, mixed, { transform: unchanged })
    expect(model.batches.map(({ shape }) => shape)).toEqual([
      [2, 1, 2, 1],
      [1, 2, 2, 1],
      [1, 1, 4, 1],
      [1, 1, 2, 1],
    ])
    expect(predictions.map((prediction) => indices(prediction)[0])).toEqual([1, 0, 3, 2, 1])
  })

  test('none for no images', async () => {
    const model = new PixelsAsLogits(holder.engine)
    expect(await predict(model, [], { transform: unchanged })).toEqual([])
    expect(model.batches).toEqual([])
  })
})

describe('the model', () => {
  test.each([true, false])('is in evaluation mode, without a tape; then training is %s again', async (mode) => {
    const model = new PixelsAsLogits(holder.engine).train(mode)
    await predict(model, [image([1, 2])], { transform: unchanged })
    expect(model.batches).toEqual([{ shape: [1, 1, 2, 1], training: false, recorded: false }])
    expect(model.training).toBe(mode)
    await expect(predict(model, [image([1, 2])], { transform: unchanged, classes: [] })).rejects.toThrow(OptionError)
    expect(model.training).toBe(mode)
  })

  test('leaves no memory in use', async () => {
    const { engine } = holder
    const model = await minivgg(engine)
    const images = Array.from({ length: 5 }, (_, i) => ({
      ...{ height: 28, width: 28, channels: 1 },
      data: Uint8Array.from(testValues(784, i), (value) => 128 + 100 * value),
    }))
    await engine.idle()
    const before = engine.memory().inUse
    for (let i = 0; i < 3; i++) await predict(model, images, { transform: unchanged, batchSize: 2 })
    await expect(predict(model, images, { transform: unchanged, classes: ['one'] })).rejects.toThrow(OptionError)
    await engine.idle()
    expect(engine.memory().inUse).toBe(before)
    model.dispose()
  })
})

describe('without a transform', () => {
  /** 8x8 pixels of one colour. */
  const colour = [0, 128, 255]
  const picture = {
    ...{ height: 8, width: 8, channels: 3 },
    data: Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => colour[i % 3]!),
  }
  const loaded = { source: 'file', numClasses: 2, fresh: [], loaded: [], missing: [], unexpected: [], reshaped: [] }

  /** The first pixel of what the model gets. */
  const seen = async (metadata?: Record<string, string>) => {
    const { engine } = holder
    const model = await resnet18(engine, { numClasses: 2 })
    if (metadata) model.loadReport = { ...loaded, metadata }
    let input: Tensor | undefined
    model.onForward((_module, given) => {
      input = given.detach()
      engine.scopes.keep(input)
    })
    await predict(model, [picture])
    model.dispose()
    return [...(await input!.toArray())].slice(0, 3)
  }
  const normalized = (mean: number[], std: number[]) => colour.map((byte, i) => (byte / 255 - mean[i]!) / std[i]!)
  const imagenet = normalized([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])

  test("ImageNet's statistics are used", async () => {
    expectClose(await seen(), imagenet, 1e-6, 'input')
    expectClose(await seen({}), imagenet, 1e-6, 'input')
  })

  test('or those of the weights', async () => {
    const metadata = { image_mean: '[0.5, 0.25, 0]', image_std: '[1, 2, 0.5]' }
    expectClose(await seen(metadata), normalized([0.5, 0.25, 0], [1, 2, 0.5]), 1e-6, 'input')
  })
})

describe('refuses', () => {
  class Fixed extends Module {
    constructor(
      engine: typeof holder.engine,
      private readonly values: number[],
      private readonly shape: number[],
    ) {
      super(engine)
    }
    override forward(): Tensor {
      return this.engine.tensor(Float32Array.from(this.values), this.shape)
    }
  }

  test.each([
    ['topK', { topK: 0 }, /^topK: expected a positive integer, got 0$/],
    ['topK', { topK: 1.5 }, /^topK: expected a positive integer, got 1\.5$/],
    ['batchSize', { batchSize: 0 }, /^batchSize: expected a positive integer, got 0$/],
    ['classes', { classes: ['one'] }, /^classes: expected 2 names, one for each class of the model, got 1$/],
    ['classes', { classes: ['one', 'two', 'three'] }, /^classes: expected 2 names, .*, got 3$/],
  ])('a wrong %s: %o', async (_option, options, message) => {
    const result = predict(new PixelsAsLogits(holder.engine), [image([1, 2])], { transform: unchanged, ...options })
    await expect(result).rejects.toThrow(OptionError)
    await expect(result).rejects.toThrow(message)
  })

  test.each([[NaN], [Infinity], [-Infinity]])('logits of %d', async (value) => {
    const model = new Fixed(holder.engine, [1, 2, 3, value], [2, 2])
    const result = predict(model, [image([1]), image([2])], { transform: unchanged })
    await expect(result).rejects.toThrow(DataError)
    await expect(result).rejects.toThrow(`predict: expected finite logits for image 1, found ${value}`)
  })

  test.each([[[2]], [[1, 2, 1]], [[2, 1]]])('an output %o for one image', async (shape) => {
    const result = predict(new Fixed(holder.engine, [1, 2], shape), [image([1])], { transform: unchanged })
    await expect(result).rejects.toThrow(ShapeError)
    await expect(result).rejects.toThrow(
      `predict: expected logits [1, classes] of the model, got [${shape.join(', ')}]`,
    )
  })

  test('colours for a network of grey images', async () => {
    const model = await minivgg(holder.engine)
    const colour = { height: 28, width: 28, channels: 3, data: new Uint8Array(28 * 28 * 3) }
    await expect(predict(model, [colour])).rejects.toThrow(ShapeError)
    expect(model.training).toBe(true)
    model.dispose()
  })
})
