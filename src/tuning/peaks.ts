/** What an adapter can do at most, measured: the two roofs under which every kernel's speed lies. */
import type { Device } from '../device/device.js'
import { OutOfMemoryError } from '../device/errors.js'
import { peakArithmetic } from '../kernels/peaks/arithmetic.js'
import { peakCopy } from '../kernels/peaks/copy.js'

/** Both are what a kernel reaches that does nothing else. */
export interface AdapterPeaks {
  /** f32 operations in a second; a multiply-add is two. */
  readonly operationsPerSecond: number
  /** Bytes read and bytes written in a second, by a copy of arrays that most caches are too small for. */
  readonly bytesPerSecond: number
}

const measured = new WeakMap<Device, Promise<AdapterPeaks>>()

/**
 * Measures a device; it takes a part of a second, at most 256 MiB of its memory meanwhile, and happens once. Nothing else
 * should be running.
 *
 * @throws OptionError on an adapter without the feature timestamp-query
 */
export function measurePeaks(device: Device): Promise<AdapterPeaks> {
  let peaks = measured.get(device)
  if (!peaks) {
    peaks = measure(device)
    measured.set(device, peaks)
    peaks.catch(() => measured.delete(device)) // whoever asked is told, and the next one tries again
  }
  return peaks
}

async function measure(device: Device): Promise<AdapterPeaks> {
  const operationsPerSecond = await measureArithmetic(device)
  const bytesPerSecond = await measureCopy(device)
  device.trim()
  return { operationsPerSecond, bytesPerSecond }
}

const repetitions = 5
/** Long enough for clocks to rise and for ends to weigh little. */
const wantedMilliseconds = 10
const mostRounds = 2 ** 15

async function measureArithmetic(device: Device): Promise<number> {
  // several workgroups for every core that there is
  const size = device.adapter.kind === 'gpu' ? 2 ** 20 : 2 ** 14
  const output = device.allocate(size * 4)
  const run = (rounds: number) => best(device, () => peakArithmetic(device, { output, size, rounds, ...constants }))
  try {
    let rounds = 4
    for (;;) {
      const { operations, milliseconds } = await run(rounds)
      if (milliseconds >= wantedMilliseconds / 2 || rounds >= mostRounds) return operations / (milliseconds / 1000)
      const wanted = Math.ceil((rounds * wantedMilliseconds) / milliseconds)
      rounds = Math.min(mostRounds, rounds * 64, wanted) // the quotient is infinite where the clock is coarse
    }
  } finally {
    output.release()
  }
}

/** They keep numbers between 0 and 500, wherever these begin. */
const constants = { factor: 0.998, summand: 1 }

async function measureCopy(device: Device): Promise<number> {
  const wanted = (device.adapter.kind === 'gpu' ? 128 : 32) * 2 ** 20
  let bytes = Math.min(wanted, device.limits.bindingSize)
  for (;;) {
    try {
      return await copySpeed(device, bytes - (bytes % 16))
    } catch (error) {
      if (!(error instanceof OutOfMemoryError) || bytes < 2 ** 20) throw error
      bytes /= 2
    }
  }
}

async function copySpeed(device: Device, byteLength: number): Promise<number> {
  const source = device.allocate(byteLength)
  try {
    const destination = device.allocate(byteLength)
    try {
      const { bytes, milliseconds } = await best(device, () =>
        peakCopy(device, { source, destination, size: byteLength / 4 }),
      )
      return bytes / (milliseconds / 1000)
    } finally {
      destination.release()
    }
  } finally {
    source.release()
  }
}

/** The fastest of several runs of a dispatch: others can only have been disturbed. */
async function best(device: Device, dispatch: () => void) {
  const runs = await device.profile(() => {
    for (let i = 0; i < repetitions; i++) dispatch()
  })
  return runs.reduce((fastest, run) => (run.milliseconds < fastest.milliseconds ? run : fastest))
}
