/** Kernels that make tensors: constants, random numbers, images from bytes. */
import { fillNormal } from '../../kernels/random/normal.js'
import { fillUniform } from '../../kernels/random/uniform.js'
import { normalizeImages } from '../ops/normalize-images.js'
import { kernelCheck, type KernelCheck } from './check.js'
import { sumOver, tabulate, Values } from './values.js'

const mean = [0.485, 0.456, 0.406]
const std = [0.229, 0.224, 0.225]
const random = { seed: 7, stream: 3 }
const draws = 4099

export const sourceChecks: readonly KernelCheck[] = [
  kernelCheck({
    kernel: 'fill',
    variant: '259 elements',
    inputs: {},
    run: (_inputs, engine) => engine.full([259], -1.75),
    reference: () => tabulate([259], () => -1.75),
  }),
  kernelCheck({
    kernel: 'random',
    variant: 'uniform in -1 to 1',
    inputs: {},
    run(_inputs, engine) {
      const output = engine.empty([draws])
      fillUniform(engine.device, { output: output.buffer, size: draws, low: -1, high: 1, random })
      return output
    },
    reference: (_inputs, output) => ifPlausible(output, { deviation: Math.sqrt(1 / 3), farthest: 1 }),
  }),
  kernelCheck({
    kernel: 'random',
    variant: 'normal',
    inputs: {},
    run(_inputs, engine) {
      const output = engine.empty([draws])
      fillNormal(engine.device, { output: output.buffer, size: draws, mean: 0, std: 1, random })
      return output
    },
    reference: (_inputs, output) => ifPlausible(output, { deviation: 1, farthest: 6 }),
  }),
  kernelCheck({
    kernel: 'normalizeImages',
    variant: 'grey to three channels',
    inputs: { images: bytes([3, 7, 5, 1]) },
    run: ({ images }) => normalizeImages(images, { mean, std }),
    reference: ({ images }) =>
      tabulate([3, 7, 5, 3], (n: number, y: number, x: number, c: number) => normalized(images.at(n, y, x, 0), c)),
  }),
  kernelCheck({
    kernel: 'normalizeImages',
    variant: 'colour',
    inputs: { images: bytes([2, 5, 7, 3]) },
    run: ({ images }) => normalizeImages(images, { mean, std }),
    reference: ({ images }) =>
      tabulate([2, 5, 7, 3], (n: number, y: number, x: number, c: number) => normalized(images.at(n, y, x, c), c)),
  }),
]

function bytes(shape: readonly number[]) {
  const { data } = tabulate(shape, (...index: number[]) => index.reduce((a, b) => (a * 37 + b * 11) % 256, 5))
  return { shape, values: data, dtype: 'u8' } as const
}

function normalized(byte: number, channel: number): number {
  return (byte / 255 - mean[channel]!) / std[channel]!
}

/** The drawn numbers themselves if they look like what they should be (mean 0, this standard deviation), else NaN. */
function ifPlausible(drawn: Values, { deviation, farthest }: { deviation: number; farthest: number }): Values {
  const { data, shape } = drawn
  const average = sumOver(draws, (i) => data[i]!) / draws
  const spread = Math.sqrt(sumOver(draws, (i) => (data[i]! - average) ** 2) / draws)
  const isPlausible =
    // five standard errors
    Math.abs(average) < (5 * deviation) / Math.sqrt(draws) &&
    Math.abs(spread / deviation - 1) < 0.05 &&
    data.every((value) => Math.abs(value) <= farthest) &&
    new Set(data).size > 0.99 * draws
  return isPlausible ? drawn : tabulate(shape, () => NaN)
}
