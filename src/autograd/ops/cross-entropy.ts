/** Cross-entropy of logits against class numbers. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { crossEntropyBackward } from '../../kernels/cross-entropy/backward.js'
import { crossEntropyForward } from '../../kernels/cross-entropy/forward.js'
import { crossEntropyMeanAndMetrics } from '../../kernels/cross-entropy/mean-and-metrics.js'
import { crossEntropyMean } from '../../kernels/cross-entropy/mean.js'
import type { UniformValue } from '../../kernels/kernel.js'
import { reduceSum } from '../../kernels/reduce/sum.js'
import { checkDType, checkNumber } from '../check.js'
import { checkRank, formatShape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { div } from './binary.js'
import { cast } from './cast.js'

const reductions = ['mean', 'sum', 'none'] as const

export interface CrossEntropyOptions {
  /** From 0 to 1: this part of the target distribution is spread evenly over all classes. */
  readonly labelSmoothing?: number
  /** Rows with this target have no loss and no gradient, and do not count for the mean. An integer; -100 by default. */
  readonly ignoreIndex?: number
  /** The mean over the rows that count, the sum, or the loss of each row. */
  readonly reduction?: (typeof reductions)[number]
}

/**
 * Cross-entropy as in PyTorch: -log softmax(input)[target] for each row, with label smoothing the cross-entropy against
 * (1 - labelSmoothing) * one-hot + labelSmoothing / C.
 *
 * The mean divides by the number of rows that are not ignored; if all are ignored it is NaN, and the gradient is 0.
 *
 * @param input logits, f32 [N, C]; f16 is cast to f32 first
 * @param target class numbers from 0 to C - 1, or `ignoreIndex`; i32 [N]
 * @returns f32 [], or [N] for the reduction `none`
 * @throws ShapeError, OptionError; a `DataError` at the next read-back for a target that is no class
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  return crossEntropyOf(input, target, options, undefined)
}

/** Where the metrics of steps add up; see shaders/metrics/step.wgsl. */
export interface StepMetrics {
  /** u32 [4 + steps]. */
  readonly totals: Tensor
  /** The number of the step, from 0. */
  readonly step: UniformValue
}

/**
 * The mean of `crossEntropy`; its kernel adds the loss and the number of rows whose first maximum is their target to running totals,
 * too.
 */
export function crossEntropyAndMetrics(
  input: Tensor,
  target: Tensor,
  options: Omit<CrossEntropyOptions, 'reduction'>,
  metrics: StepMetrics,
): Tensor {
  return crossEntropyOf(input, target, options, metrics)
}

function crossEntropyOf(
  input: Tensor,
  target: Tensor,
  options: CrossEntropyOptions,
  metrics: StepMetrics | undefined,
): Tensor {
  if (input.dtype === 'f16') return crossEntropyOf(cast(input, 'f32'), target, options, metrics)
  const { labelSmoothing = 0, ignoreIndex = -100, reduction = 'mean' } = options
  checkRank('crossEntropy', input.shape, 2, 'logits [N, C]')
  checkDType('crossEntropy', 'input', input, 'f32')
  checkDType('crossEntropy', 'target', target, 'i32')
  checkNumber('crossEntropy: labelSmoothing', labelSmoothing, 0, 1)
  if (ignoreIndex !== (ignoreIndex | 0)) {
    throw new OptionError('crossEntropy: ignoreIndex', 'a 32-bit integer', ignoreIndex)
  }
  if (!reductions.includes(reduction)) {
    throw new OptionError('crossEntropy: reduction', `one of ${reductions.join(', ')}`, reduction)
  }
  const [rows, classes] = input.shape as [number, number]
  if (target.rank !== 1 || target.shape[0] !== rows) {
    throw new ShapeError('crossEntropy', `a target for each of ${rows} rows`, formatShape(target.shape))
  }

  const { engine } = input
  const { device } = engine
  const sizes = { rows, classes, labelSmoothing, ignoreIndex }
  const losses = engine.empty([rows])
  const counted = engine.empty([rows])
  const statistics = engine.empty([rows, 2])
  crossEntropyForward(
    device,
    {
      input: input.buffer,
      targets: target.buffer,
      losses: losses.buffer,
      counted: counted.buffer,
      statistics: statistics.buffer,
    },
    sizes,
  )
  const { output, count } = metrics
    ? meanAndMetrics(losses, counted, { input, target, metrics })
    : reduceLosses(losses, counted, reduction)
  return differentiable({
    name: 'crossEntropy',
    inputs: { input },
    output,
    saves: () => ({ input, target, statistics, count }),
    gradients: ({ gradient, saved }) => {
      const inputGradient = engine.empty([rows, classes])
      crossEntropyBackward(
        device,
        {
          input: saved.input.buffer,
          targets: saved.target.buffer,
          statistics: saved.statistics.buffer,
          scale: reduction === 'mean' ? div(gradient, saved.count).buffer : gradient.buffer,
          inputGradient: inputGradient.buffer,
        },
        { ...sizes, scalePerRow: reduction === 'none' },
      )
      return { input: inputGradient }
    },
  })
}

/** The mean, and the number of rows that count. */
function meanAndMetrics(
  losses: Tensor,
  counted: Tensor,
  { input, target, metrics }: { input: Tensor; target: Tensor; metrics: StepMetrics },
): { output: Tensor; count: Tensor } {
  const { engine } = losses
  const [rows, classes] = input.shape as [number, number]
  const [output, count] = [engine.empty([]), engine.empty([])]
  crossEntropyMeanAndMetrics(engine.device, {
    losses: losses.buffer,
    counted: counted.buffer,
    logits: input.buffer,
    targets: target.buffer,
    loss: output.buffer,
    count: count.buffer,
    totals: metrics.totals.buffer,
    rows,
    classes,
    step: metrics.step,
  })
  return { output, count }
}

/** The output, and the number of rows that count where the backward pass needs it. */
function reduceLosses(
  losses: Tensor,
  counted: Tensor,
  reduction: (typeof reductions)[number],
): { output: Tensor; count?: Tensor } {
  if (reduction === 'none') return { output: losses }
  const { engine } = losses
  const layout = { outer: 1, extent: losses.size, inner: 1 }
  const total = engine.empty([])
  reduceSum(engine.device, { input: losses.buffer, output: total.buffer, ...layout })
  if (reduction === 'sum') return { output: total }
  const count = engine.empty([])
  reduceSum(engine.device, { input: counted.buffer, output: count.buffer, ...layout })
  const output = engine.empty([])
  crossEntropyMean(engine.device, { total: total.buffer, count: count.buffer, loss: output.buffer })
  return { output, count }
}
