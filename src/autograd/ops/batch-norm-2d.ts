/**
 * Batch normalisation of images over everything but their channels, with PyTorch's formulas, and what often follows it: the
 * addition of a residual and a ReLU. The gradient rules are in the folder of the same name.
 */
import { OptionError, ShapeError } from '../../device/errors.js'
import { planColumnReduction } from '../../kernels/batch-norm-2d/column-reduction.js'
import type { RowsOfChannels } from '../../kernels/batch-norm-2d/column-tile.js'
import { batchNormMoments } from '../../kernels/batch-norm-2d/moments.js'
import { batchNormNormalize } from '../../kernels/batch-norm-2d/normalize.js'
import { type UniformValue, valueOf } from '../../kernels/kernel.js'
import { checkNumber } from '../check.js'
import { formatShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { type BatchNormParameters, checkParameters, defaultEps } from './batch-norm-2d/parameters.js'
import { recordRunning } from './batch-norm-2d/running.js'
import { recordTraining } from './batch-norm-2d/training.js'
import { checkEpilogue } from './epilogue.js'
import { imageDimensions } from './image.js'

const modes = ['training', 'evaluation', 'frozen'] as const

/**
 * - `training`: statistics of the batch; the running statistics move towards them; every input may have a gradient.
 * - `evaluation`: running statistics, as constants; every input may have a gradient.
 * - `frozen`: running statistics, and weight and bias are constants too: only input and residual may have a gradient.
 */
export type BatchNormMode = (typeof modes)[number]

export interface BatchNorm2dOptions extends BatchNormParameters {
  readonly mode: BatchNormMode
  /**
   * How far the running statistics move towards those of the batch, 0 to 1; 0.1 by default. A function is asked again by each
   * replay of a recorded step.
   */
  readonly momentum?: UniformValue
  /** [N, H, W, C]; added to the result. Nothing by default. */
  readonly residual?: Tensor | undefined
  /** Whether negative results are replaced by 0, after the residual was added; not by default. */
  readonly relu?: boolean
}

type Options = BatchNorm2dOptions & Required<Pick<BatchNorm2dOptions, 'momentum' | 'eps' | 'relu'>>

/**
 * (input - mean) / sqrt(variance + eps) * weight + bias for each channel of `input` [N, H, W, C]; then `+ residual` and
 * `max(..., 0)`, if asked for, in the same pass over memory. Of the three, only the result exists afterwards.
 *
 * @throws ShapeError unless the input is f32 or f16 [N, H, W, C], the residual alike, and the others f32 [C]; also in
 *   training mode with one value per channel, whose variance is unknown
 * @throws OptionError for an unknown mode, a momentum outside of [0, 1] or a negative eps
 */
export function batchNorm2d(input: Tensor, options: BatchNorm2dOptions): Tensor {
  const { batch, height, width, channels } = imageDimensions('batchNorm2d', input)
  const { momentum = 0.1, eps = defaultEps, relu = false } = options
  const checked: Options = { ...options, momentum, eps, relu }
  const { mode, weight, bias, residual, runningMean, runningVar } = checked
  const rows = batch * height * width
  checkOptions(checked, input, channels)
  if (mode === 'training' && rows === 1) {
    throw new ShapeError('batchNorm2d', 'more than 1 value per channel in training mode', formatShape(input.shape))
  }
  // a scope, so that what only the kernels needed is free when the operation returns
  return input.engine.scope(() => {
    const shape = { rows, channels }
    const { mean, variance } =
      mode === 'training' ? batchStatistics(input, checked, shape) : { mean: runningMean, variance: runningVar }
    const output = input.engine.empty(input.shape, input.dtype)
    batchNormNormalize(
      input.engine.device,
      {
        input: input.buffer,
        mean: mean.buffer,
        variance: variance.buffer,
        weight: weight.buffer,
        bias: bias.buffer,
        residual: residual?.buffer,
        output: output.buffer,
      },
      shape,
      { eps, relu },
    )
    const normalization = { input, residual, weight, bias, mean, variance, output, relu, eps, shape }
    return mode === 'training' ? recordTraining(normalization) : recordRunning(normalization, mode)
  })
}

/** The batch's mean and biased variance; moves the running ones, unless it has done so before. */
function batchStatistics(input: Tensor, options: Options, shape: RowsOfChannels): { mean: Tensor; variance: Tensor } {
  const { engine } = input
  const { runningMean, runningVar } = options
  const again = engine.recomputation.active
  const reduction = planColumnReduction(engine.device, shape, input.buffer.half)
  const partials = engine.empty([reduction.chunks, shape.channels, 2])
  const mean = engine.empty([shape.channels])
  const variance = engine.empty([shape.channels])
  if (!again) {
    runningMean.beforeInPlaceWrite('batchNorm2d')
    runningVar.beforeInPlaceWrite('batchNorm2d')
  }
  batchNormMoments(
    engine.device,
    {
      input: input.buffer,
      partials: partials.buffer,
      mean: mean.buffer,
      variance: variance.buffer,
      runningMean: runningMean.buffer,
      runningVar: runningVar.buffer,
    },
    reduction,
    { momentum: again ? 0 : options.momentum },
  )
  return { mean, variance }
}

function checkOptions(options: Options, input: Tensor, channels: number): void {
  const { mode, momentum } = options
  if (!modes.includes(mode)) throw new OptionError('batchNorm2d: mode', `one of ${modes.join(', ')}`, mode)
  checkNumber('batchNorm2d: momentum', valueOf(momentum), 0, 1)
  checkParameters('batchNorm2d', options, channels)
  checkEpilogue('batchNorm2d', { residual: options.residual }, input)
}
