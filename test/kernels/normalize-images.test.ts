import { describe, expect, test } from 'vitest'
import { normalizeImages } from '../../src/autograd/ops/normalize-images.js'
import { sizeOf } from '../../src/autograd/shape.js'
import { OptionError, ShapeError } from '../../src/device/errors.js'
import { expectClose } from '../support/compare.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const holder = useEngine()
const tiny = useEngine({ requiredLimits: tinyLimits })

const mean = [0.485, 0.456, 0.406, 0.1]
const std = [0.229, 0.224, 0.225, 0.5]

const bytesOf = (shape: readonly number[]) => Uint8Array.from({ length: sizeOf(shape) }, (_, i) => (i * 89 + 7) % 256)

describe('normalizeImages', () => {
  test.each([
    [[2, 3, 5, 1], 1],
    [[2, 3, 5, 1], 3],
    [[1, 1, 1, 1], 2],
    [[3, 5, 7, 2], 2],
    [[2, 5, 3, 3], 3],
    [[1, 3, 3, 4], 4],
    [[30, 28, 28, 1], 3],
    [[30, 17, 19, 3], 3],
  ])('%j to %i channels, on any device', async (shape, channels) => {
    const bytes = bytesOf(shape)
    const inputChannels = shape[3]!
    const expected = Array.from({ length: (bytes.length / inputChannels) * channels }, (_, i) => {
      const channel = i % channels
      const byte = bytes[Math.floor(i / channels) * inputChannels + Math.min(channel, inputChannels - 1)]!
      return (byte / 255 - mean[channel]!) / std[channel]!
    })
    for (const { engine } of [holder, tiny]) {
      const images = engine.tensor(bytes, shape)
      const options = { mean: mean.slice(0, channels), std: std.slice(0, channels) }
      const output = normalizeImages(images, options)
      expect(output).toMatchObject({ shape: [...shape.slice(0, 3), channels], dtype: 'f32' })
      expectClose(await output.toArray(), expected, 5e-7, 'output') // three roundings
    }
  })

  test('one mean for all channels, and bytes as 0..1', async () => {
    const images = holder.engine.tensor(Uint8Array.of(0, 51, 255), [1, 1, 1, 3])
    const scaled = await normalizeImages(images, { mean: [0], std: [1] }).toArray()
    expectClose(scaled, [0, 0.2, 1], 1e-7, 'output')
    const grey = holder.engine.tensor(Uint8Array.of(255), [1, 1, 1, 1])
    const repeated = normalizeImages(grey, { mean: [0.5], std: [0.5], channels: 3 })
    expect([...(await repeated.toArray())]).toEqual([1, 1, 1])
  })

  test('refuses wrong images and options', () => {
    const { engine } = holder
    const images = engine.tensor(bytesOf([1, 2, 2, 3]), [1, 2, 2, 3])
    const options = { mean: [0.5], std: [0.5] }
    expect(() => normalizeImages(engine.zeros([1, 2, 2, 3]), options)).toThrow(ShapeError)
    expect(() => normalizeImages(engine.tensor(bytesOf([2, 2]), [2, 2]), options)).toThrow('images [N, H, W, C]')
    expect(() => normalizeImages(engine.tensor(bytesOf([1, 1, 1, 5]), [1, 1, 1, 5]), options)).toThrow(
      'at most 4 channels',
    )
    expect(() => normalizeImages(images, { ...options, channels: 1 })).toThrow(OptionError)
    expect(() => normalizeImages(images, { mean: [0.5, 0.5], std: [0.5] })).toThrow(
      'normalizeImages: mean: expected finite numbers, one or 3, got "[0.5, 0.5]"',
    )
    expect(() => normalizeImages(images, { mean: [0.5], std: [0] })).toThrow(
      'normalizeImages: std: expected positive numbers',
    )
    expect(() => normalizeImages(images, { mean: [NaN], std: [1] })).toThrow(OptionError)
  })
})
