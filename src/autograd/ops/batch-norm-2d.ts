/** Batch normalisation of images over everything but their channels, with PyTorch's formulas. */
import { OptionError, ShapeError } from '../../device/errors.js'
import { planColumnReduction, type RowsOfChannels } from '../../kernels/batch-norm-2d/column-reduction.js'
import { batchNormMoments } from '../../kernels/batch-norm-2d/moments.js'
import { batchNormNormalize } from '../../kernels/batch-norm-2d/normalize.js'
import { batchNormRunningBackward } from '../../kernels/batch-norm-2d/running-backward.js'
import { batchNormRunningScale } from '../../kernels/batch-norm-2d/running-scale.js'
import { batchNormSums } from '../../kernels/batch-norm-2d/sums.js'
import { batchNormTrainingBackward } from '../../kernels/batch-norm-2d/training-backward.js'
import { batchNormTrainingScale } from '../../kernels/batch-norm-2d/training-scale.js'
import { checkNumber } from '../check.js'
import { formatShape } from '../shape.js'
import { differentiable } from '../tape.js'
import type { Tensor } from '../tensor.js'
import { imageDimensions } from './image.js'

const modes = ['training', 'evaluation', 'frozen'] as const

/**
 * - `training`: statistics of the batch; the running statistics move towards them; every input may have a gradient.
 * - `evaluation`: running statistics, as constants; every input may have a gradient.
 * - `frozen`: running statistics, and weight and bias are constants too: only the input may have a gradient.
 */
export type BatchNormMode = (typeof modes)[number]

export interface BatchNorm2dOptions {
  /** [C]; multiplies the normalised values. */
  readonly weight: Tensor
  /** [C]; added at the end. */
  readonly bias: Tensor
  /** [C]; in training mode updated in place. */
  readonly runningMean: Tensor
  /** [C]; in training mode updated in place, with the unbiased variance. */
  readonly runningVar: Tensor
  readonly mode: BatchNormMode
  /** How far the running statistics move towards those of the batch, 0 to 1; 0.1 by default. */
  readonly momentum?: number
  /** Added to the variance; 1e-5 by default. */
  readonly eps?: number
}

/** What normalising needs, each [C]: output = (input - mean) * scale + bias, with scale = weight * inverseDeviation. */
interface Statistics {
  readonly mean: Tensor
  readonly inverseDeviation: Tensor
  readonly scale: Tensor
}

type Options = BatchNorm2dOptions & { readonly momentum: number; readonly eps: number }

/**
 * (input - mean) / sqrt(variance + eps) * weight + bias for each channel of `input` [N, H, W, C].
 *
 * @throws ShapeError unless the input is f32 [N, H, W, C] and the others f32 [C]; also in training mode with one value
 *   per channel, whose variance is unknown
 * @throws OptionError for an unknown mode, a momentum outside of [0, 1] or a negative eps
 */
export function batchNorm2d(input: Tensor, options: BatchNorm2dOptions): Tensor {
  const { batch, height, width, channels } = imageDimensions('batchNorm2d', input)
  const { momentum = 0.1, eps = 1e-5 } = options
  const checked: Options = { ...options, momentum, eps }
  const shape = { rows: batch * height * width, channels }
  checkOptions(checked, channels)
  if (checked.mode === 'training' && shape.rows === 1) {
    throw new ShapeError('batchNorm2d', 'more than 1 value per channel in training mode', formatShape(input.shape))
  }
  // a scope, so that what only the kernels needed is free when the operation returns
  return input.engine.scope(() => {
    const statistics = checked.mode === 'training' ? ofBatch(input, checked, shape) : ofRunning(checked, channels)
    const output = normalize(input, statistics, checked.bias, shape)
    switch (checked.mode) {
      case 'training':
        return recordTraining(input, output, statistics, checked, shape)
      case 'evaluation':
        return recordEvaluation(input, output, statistics, checked, shape)
      case 'frozen':
        return recordFrozen(input, output, statistics, shape)
    }
  })
}

function recordTraining(
  input: Tensor,
  output: Tensor,
  { mean, inverseDeviation, scale }: Statistics,
  { weight, bias }: Options,
  shape: RowsOfChannels,
): Tensor {
  return differentiable({
    name: 'batchNorm2d',
    inputs: { input, weight, bias },
    output,
    saves: (needs) => ({
      mean,
      inverseDeviation,
      input: needs.input || needs.weight ? input : undefined,
      scale: needs.input ? scale : undefined,
    }),
    gradients: ({ gradient, saved, needs }) => {
      const sums = sumsOfGradients(gradient, saved, shape)
      return {
        input: needs.input ? trainingInputGradient(gradient, { ...saved, ...sums }, shape) : undefined,
        weight: needs.weight ? sums.productSum : undefined,
        bias: needs.bias ? sums.gradientSum : undefined,
      }
    },
  })
}

function recordEvaluation(
  input: Tensor,
  output: Tensor,
  { mean, inverseDeviation, scale }: Statistics,
  { weight, bias }: Options,
  shape: RowsOfChannels,
): Tensor {
  return differentiable({
    name: 'batchNorm2d',
    inputs: { input, weight, bias },
    output,
    saves: (needs) => ({
      mean: needs.weight || needs.bias ? mean : undefined,
      inverseDeviation: needs.weight || needs.bias ? inverseDeviation : undefined,
      input: needs.weight ? input : undefined,
      scale: needs.input ? scale : undefined,
    }),
    gradients: ({ gradient, saved, needs }) => {
      const sums = needs.weight || needs.bias ? sumsOfGradients(gradient, saved, shape) : undefined
      return {
        input: needs.input ? scaledGradient(gradient, saved.scale, shape) : undefined,
        weight: needs.weight ? sums?.productSum : undefined,
        bias: needs.bias ? sums?.gradientSum : undefined,
      }
    },
  })
}

function recordFrozen(input: Tensor, output: Tensor, { scale }: Statistics, shape: RowsOfChannels): Tensor {
  return differentiable({
    name: 'batchNorm2d',
    inputs: { input },
    output,
    saves: () => ({ scale }),
    gradients: ({ gradient, saved }) => ({ input: scaledGradient(gradient, saved.scale, shape) }),
  })
}

/** The batch's statistics; moves the running ones. */
function ofBatch(input: Tensor, options: Options, shape: RowsOfChannels): Statistics {
  const { engine } = input
  const { weight, runningMean, runningVar, eps, momentum } = options
  const { channels } = shape
  const reduction = planColumnReduction(engine.device, shape, 1)
  const partials = engine.empty([reduction.chunks, channels, 2])
  const moments = engine.empty([channels, 2])
  batchNormMoments(
    engine.device,
    { input: input.buffer, partials: partials.buffer, moments: moments.buffer },
    reduction,
  )
  runningMean.beforeInPlaceWrite('batchNorm2d')
  runningVar.beforeInPlaceWrite('batchNorm2d')
  const statistics = emptyStatistics(engine.empty([channels]), channels)
  batchNormTrainingScale(
    engine.device,
    {
      moments: moments.buffer,
      origin: input.buffer, // its first row
      weight: weight.buffer,
      mean: statistics.mean.buffer,
      inverseDeviation: statistics.inverseDeviation.buffer,
      scale: statistics.scale.buffer,
      runningMean: runningMean.buffer,
      runningVar: runningVar.buffer,
    },
    { ...shape, eps, momentum },
  )
  return statistics
}

function ofRunning({ weight, runningMean, runningVar, eps }: Options, channels: number): Statistics {
  const statistics = emptyStatistics(runningMean, channels)
  batchNormRunningScale(
    weight.engine.device,
    {
      runningVar: runningVar.buffer,
      weight: weight.buffer,
      inverseDeviation: statistics.inverseDeviation.buffer,
      scale: statistics.scale.buffer,
    },
    { channels, eps },
  )
  return statistics
}

function emptyStatistics(mean: Tensor, channels: number): Statistics {
  return { mean, inverseDeviation: mean.engine.empty([channels]), scale: mean.engine.empty([channels]) }
}

function normalize(input: Tensor, { mean, scale }: Statistics, bias: Tensor, shape: RowsOfChannels): Tensor {
  const { engine } = input
  const output = engine.empty(input.shape)
  batchNormNormalize(
    engine.device,
    {
      input: input.buffer,
      mean: mean.buffer,
      scale: scale.buffer,
      bias: bias.buffer,
      output: output.buffer,
    },
    shape,
  )
  return output
}

/** `gradientSum`, the bias's gradient, and `productSum`, the weight's; the latter is garbage without `input`. */
function sumsOfGradients(
  gradient: Tensor,
  saved: { input?: Tensor; mean: Tensor; inverseDeviation: Tensor },
  shape: RowsOfChannels,
) {
  const { engine } = gradient
  const reduction = planColumnReduction(engine.device, shape, 2)
  const partials = engine.empty([reduction.chunks, shape.channels, 2])
  const gradientSum = engine.empty([shape.channels])
  const productSum = engine.empty([shape.channels])
  batchNormSums(
    engine.device,
    {
      // where only the bias needs a gradient nobody saved the input: any array of its size will do
      input: (saved.input ?? gradient).buffer,
      outputGradient: gradient.buffer,
      mean: saved.mean.buffer,
      inverseDeviation: saved.inverseDeviation.buffer,
      partials: partials.buffer,
      gradientSum: gradientSum.buffer,
      productSum: productSum.buffer,
    },
    reduction,
  )
  return { gradientSum, productSum }
}

function trainingInputGradient(
  gradient: Tensor,
  tensors: Statistics & { input: Tensor; gradientSum: Tensor; productSum: Tensor },
  shape: RowsOfChannels,
): Tensor {
  const { engine } = gradient
  const inputGradient = engine.empty(gradient.shape)
  batchNormTrainingBackward(
    engine.device,
    {
      outputGradient: gradient.buffer,
      input: tensors.input.buffer,
      mean: tensors.mean.buffer,
      inverseDeviation: tensors.inverseDeviation.buffer,
      scale: tensors.scale.buffer,
      gradientSum: tensors.gradientSum.buffer,
      productSum: tensors.productSum.buffer,
      inputGradient: inputGradient.buffer,
    },
    shape,
  )
  return inputGradient
}

function scaledGradient(gradient: Tensor, scale: Tensor, shape: RowsOfChannels): Tensor {
  const { engine } = gradient
  const inputGradient = engine.empty(gradient.shape)
  batchNormRunningBackward(
    engine.device,
    { outputGradient: gradient.buffer, scale: scale.buffer, inputGradient: inputGradient.buffer },
    shape,
  )
  return inputGradient
}

function checkOptions(options: Options, channels: number): void {
  const { mode, momentum, eps, weight, bias, runningMean, runningVar } = options
  if (!modes.includes(mode)) throw new OptionError('batchNorm2d: mode', `one of ${modes.join(', ')}`, mode)
  checkNumber('batchNorm2d: momentum', momentum, 0, 1)
  if (!(eps >= 0 && eps < Infinity)) throw new OptionError('batchNorm2d: eps', 'a number that is not negative', eps)
  for (const [name, { rank, shape, dtype }] of Object.entries({ weight, bias, runningMean, runningVar })) {
    if (rank !== 1 || shape[0] !== channels || dtype !== 'f32') {
      throw new ShapeError('batchNorm2d', `${name} as f32 [${channels}]`, `${dtype} ${formatShape(shape)}`)
    }
  }
}
