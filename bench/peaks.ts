/** What an adapter can do at most: see src/tuning/peaks.ts, which measures the same without the time of recording. */
import { multiplyAddsPerRound, peakArithmetic } from '../src/kernels/peaks/arithmetic.js'
import { peakCopy } from '../src/kernels/peaks/copy.js'
import { suite } from './support/case.js'

const invocations = 2 ** 16
const rounds = 64
const copied = 2 ** 22

export default suite(
  'peaks',
  {
    name: 'peak_arithmetic',
    shape: `${invocations} x ${rounds * multiplyAddsPerRound} multiply-adds`,
    prepare({ device }) {
      const output = device.allocate(invocations * 4)
      return {
        run: () => peakArithmetic(device, { output, size: invocations, rounds, factor: 0.998, summand: 1 }),
        multiplyAdds: invocations * rounds * multiplyAddsPerRound,
      }
    },
  },
  {
    name: 'peak_copy',
    shape: `${(copied * 4) / 2 ** 20} MiB`,
    prepare({ device }) {
      const [source, destination] = [device.allocate(copied * 4), device.allocate(copied * 4)]
      return {
        run: () => peakCopy(device, { source, destination, size: copied }),
        bytes: 2 * copied * 4,
      }
    },
  },
)
