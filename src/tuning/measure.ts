/** Times of the methods of a problem, measured on its device with operands of its sizes. */
import type { DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { DaybreakError, DeviceLostError } from '../device/errors.js'
import { castFloats } from '../kernels/cast/floats.js'
import { fillNormal } from '../kernels/random/normal.js'
import type { MeasuredProblem, Timing } from './table.js'
import { type Candidate, type Method, sameMethod, type TuningProblem } from './tunable.js'
import type { Tuner } from './tuner.js'

/** Records what `body` records, waits for its end, and tells how many milliseconds the device took for it. */
export type Clock = (device: Device, body: () => void, method: Method) => Promise<number>

export interface MeasureOptions {
  /** By default the device's timestamps where it has them, else the time until the device is idle again. */
  readonly clock?: Clock
  /** For how long a method is timed at most, in milliseconds, without its first run; 250 by default. */
  readonly budget?: number
}

/** A method that could not be measured: out of memory, or refused by the driver. */
export interface RefusedMethod {
  readonly method: Method
  readonly error: DaybreakError
}

export interface Measurement {
  /** Undefined where no method could be measured. */
  readonly measured: MeasuredProblem | undefined
  readonly refused: readonly RefusedMethod[]
}

/** A method that is estimated to take so many times as long as the best one is not tried. */
const hopeless = 3
/** A method that takes so many times as long as the best one is not timed further. */
const tooSlow = 2
const [fewestRuns, mostRuns] = [3, 25]
const defaultBudget = 250
/** Shorter times are not trusted: runs are timed together until they take so long, in milliseconds. */
const trusted = { timestamps: 1, wallClock: 20 } as const
const mostTogether = 64

/** Times the methods of a problem that may be the fastest, the one that is taken without measuring among them. */
export async function measureProblem(
  tuner: Tuner,
  problem: TuningProblem,
  { clock, budget = defaultBudget }: MeasureOptions = {},
): Promise<Measurement> {
  const { device } = tuner
  const refused: RefusedMethod[] = []
  const timings: Timing[] = []
  const methods = methodsToTry(tuner.candidates(problem), tuner.choiceWithoutMeasuring(problem).method)
  const stopwatch = new Stopwatch(device, clock, budget)
  for (const method of methods) {
    try {
      const run = (buffers: Buffers) => problem.run(device, buffers, method)
      // operands of their own for each: packed forms are kept with them
      await withOperands(device, problem.operands, async (buffers) => {
        const best = Math.min(...timings.map(({ milliseconds }) => milliseconds))
        timings.push({ method, ...(await stopwatch.time(() => run(buffers), method, best)) })
      })
    } catch (error) {
      if (!(error instanceof DaybreakError) || error instanceof DeviceLostError) throw error
      refused.push({ method, error })
    }
  }
  const { family, shape, batch } = problem
  const date = new Date().toISOString()
  return { measured: timings.length > 0 ? { family, shape, batch, date, timings } : undefined, refused }
}

/** Those that may be the fastest, the most promising first, and the one that would be taken anyway. */
export function methodsToTry(candidates: readonly Candidate[], usual: Method): readonly Method[] {
  const limit = candidates[0]!.cost * hopeless
  const promising = candidates.filter(({ method, cost }) => cost <= limit || sameMethod(method, usual))
  return promising.map(({ method }) => method)
}

class Stopwatch {
  readonly #clock: Clock
  readonly #trusted: number

  constructor(
    private readonly device: Device,
    clock: Clock | undefined,
    private readonly budget: number,
  ) {
    const hasTimestamps = device.features.has('timestamp-query')
    this.#clock = clock ?? (hasTimestamps ? timestamps : wallClock)
    this.#trusted = clock ? 0 : hasTimestamps ? trusted.timestamps : trusted.wallClock
  }

  /** The median of some runs, in milliseconds; after the first one, which compiles. */
  async time(run: () => void, method: Method, best: number): Promise<{ milliseconds: number; runs: number }> {
    run()
    await this.device.idle()
    const together = await this.#runsTogether(run, method)
    const times: number[] = []
    let spent = 0
    while (times.length < fewestRuns || (times.length < mostRuns && spent < this.budget)) {
      const milliseconds = await this.#repeated(run, method, together)
      spent += milliseconds
      times.push(milliseconds / together)
      if (times.at(-1)! > tooSlow * best || (spent > this.budget && times.length >= fewestRuns)) break
    }
    // a clock that stands still must not make a method infinitely fast
    return { milliseconds: Math.max(median(times), 1e-6), runs: times.length * together }
  }

  async #runsTogether(run: () => void, method: Method): Promise<number> {
    let count = 1
    while (count < mostTogether && (await this.#repeated(run, method, count)) < this.#trusted) count *= 4
    return count
  }

  #repeated(run: () => void, method: Method, count: number): Promise<number> {
    const body = () => {
      for (let i = 0; i < count; i++) run()
    }
    return this.#clock(this.device, body, method)
  }
}

/** The sum of the times of all dispatches, without what lies between them. */
export const timestamps: Clock = async (device, body) => {
  const dispatches = await device.profile(body)
  return dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
}

/** From the first command to the end of the work, with all that lies between. */
export const wallClock: Clock = async (device, body) => {
  await device.idle()
  const start = performance.now()
  body()
  await device.idle()
  return performance.now() - start
}

type Buffers = Readonly<Record<string, DeviceBuffer>>

/** Runs a function with buffers that are filled with normally distributed numbers. */
async function withOperands(
  device: Device,
  operands: TuningProblem['operands'],
  body: (buffers: Buffers) => Promise<void>,
): Promise<void> {
  const buffers: Record<string, DeviceBuffer> = {}
  try {
    for (const [i, [name, { size, half }]] of Object.entries(operands).entries()) {
      buffers[name] = device.allocate(size * (half ? 2 : 4), half)
      fillOperand(device, buffers[name], size, i)
    }
    await body(buffers)
  } finally {
    for (const buffer of Object.values(buffers)) buffer.release()
  }
}

function fillOperand(device: Device, output: DeviceBuffer, size: number, stream: number): void {
  const fill = (buffer: DeviceBuffer) =>
    fillNormal(device, { output: buffer, size, mean: 0, std: 1, random: { seed: 0, stream } })
  if (!output.half) {
    fill(output)
    return
  }
  const input = device.allocate(size * 4)
  try {
    fill(input)
    castFloats(device, { input, output, size })
  } finally {
    input.release()
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}
