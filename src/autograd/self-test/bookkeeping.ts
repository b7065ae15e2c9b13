/** What a training step does besides the network: adding gradients, clipping them, finding NaN, counting. */
import { clipNorm } from '../../kernels/clip/norm.js'
import { clipScale } from '../../kernels/clip/scale.js'
import { sumSquares } from '../../kernels/clip/sum-squares.js'
import { accumulateMetrics, metricsHeaderLength } from '../../kernels/metrics/accumulate.js'
import { add } from '../ops/binary.js'
import { countNonFinite } from '../ops/non-finite.js'
import { slice } from '../ops/slice.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { dot, sumOver, Values } from './values.js'

const [rows, classes] = [131, 10]
const maxNorm = 0.5

export const bookkeepingChecks: readonly KernelCheck[] = [
  kernelCheck({
    kernel: 'accumulate',
    variant: 'two gradients of one tensor',
    inputs: { input: trainable([259]) },
    run: ({ input }) => add(input, input),
    reference: ({ input }) =>
      new Values(
        input.shape,
        input.data.map((value) => 2 * value),
      ),
  }),
  kernelCheck({
    kernel: 'clip',
    variant: 'norm',
    inputs: { gradient: { shape: [1031] } },
    run({ gradient }, engine) {
      const { device } = engine
      const [norm, factor] = [engine.empty([]), engine.empty([])]
      const { partials, count } = sumSquares(device, [gradient])
      clipNorm(device, { partials, count, maxNorm, norm: norm.buffer, factor: factor.buffer })
      clipScale(device, { gradient: gradient.buffer, factor: factor.buffer, size: gradient.size })
      partials.release()
      return gradient
    },
    reference: ({ gradient }) => {
      const norm = Math.sqrt(dot(gradient.data, gradient.data))
      return new Values(
        gradient.shape,
        gradient.data.map((value) => value * Math.min(1, maxNorm / (norm + 1e-6))),
      )
    },
  }),
  kernelCheck({
    kernel: 'countNonFinite',
    variant: 'NaN and infinity among numbers',
    inputs: { input: { shape: [1031], values: Array.from({ length: 1031 }, (_, i) => specialNumber(i)) } },
    run: ({ input }) => countNonFinite(input),
    reference: ({ input }) =>
      new Values([], Float64Array.of(sumOver(1031, (i) => (Number.isFinite(input.at(i)) ? 0 : 1)))),
  }),
  kernelCheck({
    kernel: 'metrics',
    variant: 'correct predictions',
    inputs: {
      logits: { shape: [rows, classes] },
      targets: { shape: [rows], values: Array.from({ length: rows }, (_, i) => (i * 7) % classes), dtype: 'i32' },
    },
    run({ logits, targets }, engine) {
      const totals = engine.tensor(new Uint32Array(metricsHeaderLength + 1))
      accumulateMetrics(engine.device, {
        logits: logits.buffer,
        targets: targets.buffer,
        loss: engine.full([], 1).buffer,
        totals: totals.buffer,
        rows,
        classes,
        step: 0,
      })
      return slice(totals, { starts: [0], ends: [2] })
    },
    reference: ({ logits, targets }) => {
      const predictions = Array.from({ length: rows }, (_, row) => {
        const scores = [...logits.data.subarray(row * classes, (row + 1) * classes)]
        return scores.indexOf(Math.max(...scores))
      })
      const correct = predictions.filter((prediction, row) => prediction === targets.at(row)).length
      return new Values([2], Float64Array.of(correct, rows))
    },
  }),
]

function specialNumber(i: number): number {
  if (i % 97 === 3) return NaN
  if (i % 89 === 5) return i % 2 === 0 ? Infinity : -Infinity
  return i - 500
}
