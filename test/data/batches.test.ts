import { describe, expect, it } from 'vitest'
import { DataError, OptionError } from '../../src/device/errors.js'
import { batchCount, batches, imageDataset, permutation, subset } from '../../src/data/index.js'

/** Ten images of 2x1 pixels and 3 channels; every byte of image i is 10 i + its place. */
const dataset = imageDataset({
  name: 'ten',
  images: Uint8Array.from({ length: 60 }, (_, at) => 10 * Math.floor(at / 6) + (at % 6)),
  labels: Int32Array.from({ length: 10 }, (_, index) => index % 4),
  imageShape: [2, 1, 3],
  classes: ['a', 'b', 'c', 'd'],
})

describe('batches', () => {
  it('go through the data in order, the last one with what is left', () => {
    const all = [...batches(dataset, { batchSize: 4 })]
    expect(all.map(({ size }) => size)).toEqual([4, 4, 2])
    expect(all.flatMap(({ indices }) => [...indices])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(all.flatMap(({ images }) => [...images])).toEqual([...dataset.images])
    expect(all.flatMap(({ labels }) => [...labels])).toEqual([...dataset.labels])
    expect([...batches(dataset, { batchSize: 4, dropLast: true })].map(({ size }) => size)).toEqual([4, 4])
    expect([...batches(dataset, { batchSize: 10, dropLast: true })].length).toBe(1)
  })

  it('are shuffled by seed and epoch, images and labels together', () => {
    const order = (seed: number, epoch: number): number[] =>
      [...batches(dataset, { batchSize: 3, shuffle: true, seed, epoch })].flatMap(
        ({ images, labels, indices, size }) => {
          for (let row = 0; row < size; row++) {
            expect([...images.subarray(row * 6, row * 6 + 6)]).toEqual(
              [0, 1, 2, 3, 4, 5].map((i) => 10 * indices[row]! + i),
            )
            expect(labels[row]).toBe(indices[row]! % 4)
          }
          expect([images.length, labels.length]).toEqual([size * 6, size])
          return [...indices]
        },
      )
    expect(order(1, 2)).toEqual([...permutation(10, 1, 2)])
    expect(order(1, 2)).toEqual(order(1, 2))
    expect(order(1, 3)).not.toEqual(order(1, 2))
    expect(order(2, 2)).not.toEqual(order(1, 2))
  })

  it('own their arrays', () => {
    const [first] = batches(dataset, { batchSize: 10 })
    first!.images.fill(0)
    first!.labels.fill(0)
    expect(dataset.images[59]).toBe(95)
    expect(dataset.labels[3]).toBe(3)
  })

  it('are counted', () => {
    expect([batchCount(10, 4), batchCount(10, 4, true), batchCount(8, 4), batchCount(3, 4, true)]).toEqual([3, 2, 2, 0])
  })

  it('refuse a wrong size at once, without a first batch', () => {
    for (const batchSize of [0, -1, 2.5, NaN, Infinity]) {
      expect(() => batches(dataset, { batchSize })).toThrow(/^batchSize: expected a positive integer/)
    }
    expect(() => batches(dataset, { batchSize: 11 })).toThrow(OptionError)
    expect(() => batches(dataset, { batchSize: 11 })).toThrow(
      'batchSize: expected at most 10, the number of images in "ten", got 11',
    )
    expect(() => batches(dataset, { batchSize: 2, shuffle: true, seed: -1 })).toThrow(/^seed: /)
    expect(() => batches(dataset, { batchSize: 2, shuffle: true, epoch: 0.5 })).toThrow(/^epoch: /)
  })
})

describe('imageDataset', () => {
  it('counts its images and keeps the arrays', () => {
    expect(dataset.length).toBe(10)
    expect(imageDataset({ ...dataset }).images).toBe(dataset.images)
  })

  it('refuses lengths, shapes and labels that do not go together', () => {
    const wrong = (change: Partial<typeof dataset>) => () => imageDataset({ ...dataset, ...change })
    expect(wrong({ images: new Uint8Array(59) })).toThrow(DataError)
    expect(wrong({ images: new Uint8Array(59) })).toThrow(/^ten: expected 60 bytes of images for 10 labels .*found 59/)
    expect(wrong({ imageShape: [2, 0, 3] })).toThrow(/positive integers, found \[2, 0, 3\]/)
    expect(wrong({ imageShape: [2, 3] as unknown as [number, number, number] })).toThrow(DataError)
    expect(wrong({ classes: ['a', 'b', 'c'] })).toThrow('ten: expected labels from 0 to 2, found label 3 at index 3')
    const labels = dataset.labels.slice()
    labels[7] = -1
    expect(wrong({ labels })).toThrow(/found label -1 at index 7/)
  })
})

describe('subset', () => {
  it('views the first images', () => {
    const three = subset(dataset, 3)
    expect(three).toMatchObject({ name: 'ten', length: 3, imageShape: [2, 1, 3], classes: dataset.classes })
    expect(three.images).toEqual(dataset.images.slice(0, 18))
    expect(three.labels).toEqual(Int32Array.of(0, 1, 2))
    expect(three.images.buffer).toBe(dataset.images.buffer)
    expect(subset(dataset, 10)).toBe(dataset)
    expect(subset(dataset, 1000)).toBe(dataset)
  })

  it.each([0, -3, 0.5, NaN, Infinity])('refuses a limit of %d', (limit) => {
    expect(() => subset(dataset, limit)).toThrow(OptionError)
  })
})
