/** Batch normalisation in its three modes, and the running statistics that training moves. */
import { batchNorm2d, type BatchNormMode } from '../ops/batch-norm-2d.js'
import { kernelCheck, type KernelCheck, trainable } from './check.js'
import { sumOver, tabulate, Values } from './values.js'

const shape = [3, 5, 4, 19] as const
const channels = [shape[3]] as const
const eps = 1e-5
const momentum = 0.3
const positive = Array.from({ length: shape[3] }, (_, i) => 0.2 + ((i * 7) % 10) / 10)

export const batchNorm2dChecks: readonly KernelCheck[] = [
  ...(['training', 'evaluation', 'frozen'] as const).map(normalization),
  runningStatistics('runningMean', (mean) => mean),
  runningStatistics('runningVar', (_mean, unbiasedVariance) => unbiasedVariance),
]

type Inputs = Readonly<Record<'input' | 'weight' | 'bias' | 'runningMean' | 'runningVar', Values>>

function normalization(mode: BatchNormMode): KernelCheck {
  const parameter = mode === 'frozen' ? { shape: channels } : trainable(channels)
  return kernelCheck({
    kernel: 'batchNorm2d',
    variant: mode,
    inputs: {
      input: trainable(shape),
      weight: parameter,
      bias: parameter,
      runningMean: { shape: channels },
      runningVar: { shape: channels, values: positive },
    },
    run: ({ input, ...options }) => batchNorm2d(input, { ...options, mode, momentum, eps }),
    reference: ({ input, weight, bias, runningMean, runningVar }: Inputs) => {
      const statistics = channels.flatMap((count) =>
        Array.from({ length: count }, (_, c) =>
          mode === 'training' ? moments(input, c) : { mean: runningMean.at(c), variance: runningVar.at(c) },
        ),
      )
      return tabulate(shape, (n: number, y: number, x: number, c: number) => {
        const { mean, variance } = statistics[c]!
        return ((input.at(n, y, x, c) - mean) / Math.sqrt(variance + eps)) * weight.at(c) + bias.at(c)
      })
    },
  })
}

/** What a running statistic is after one step in training. */
function runningStatistics(
  which: 'runningMean' | 'runningVar',
  statistic: (mean: number, unbiasedVariance: number) => number,
): KernelCheck {
  return kernelCheck({
    kernel: 'batchNorm2d',
    variant: which,
    inputs: {
      input: { shape },
      weight: { shape: channels },
      bias: { shape: channels },
      runningMean: { shape: channels },
      runningVar: { shape: channels, values: positive },
    },
    run({ input, ...options }) {
      batchNorm2d(input, { ...options, mode: 'training', momentum, eps })
      return options[which]
    },
    reference: (inputs: Inputs) =>
      tabulate(channels, (c: number) => {
        const { mean, variance, count } = moments(inputs.input, c)
        const batch = statistic(mean, (variance * count) / (count - 1))
        return (1 - momentum) * inputs[which].at(c) + momentum * batch
      }),
  })
}

/** Mean and (biased) variance of one channel. */
function moments(input: Values, channel: number) {
  const stride = input.shape[3]!
  const count = input.data.length / stride
  const mean = sumOver(count, (i) => input.data[i * stride + channel]!) / count
  const variance = sumOver(count, (i) => (input.data[i * stride + channel]! - mean) ** 2) / count
  return { mean, variance, count }
}
