/**
 * Profiles as Chrome traces, which chrome://tracing and https://ui.perfetto.dev show: "Trace Event Format", the JSON object
 * form (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
 */
import { atomicWrite } from '../device/node/atomic-write.js'
import type { StepProfile } from './profile.js'

/** A slice of a track (`X`), or the name of a process or a track (`M`). Times are in microseconds. */
export type TraceEvent =
  | {
      readonly ph: 'X'
      readonly name: string
      readonly cat: string
      readonly ts: number
      readonly dur: number
      readonly pid: number
      readonly tid: number
      readonly args: Readonly<Record<string, string | number>>
    }
  | {
      readonly ph: 'M'
      readonly name: 'process_name' | 'thread_name' | 'thread_sort_index'
      readonly pid: number
      readonly tid: number
      readonly args: Readonly<Record<string, string | number>>
    }

export interface ChromeTrace {
  readonly traceEvents: readonly TraceEvent[]
  readonly displayTimeUnit: 'ms'
}

const pid = 1
const cpu = 1
const gpu = 2

/**
 * A track with the recording on the CPU, a slice for each phase, and one with the work of the GPU, a slice for each dispatch.
 * Slices of the GPU are called after their kernels and carry what is known of them.
 *
 * @param name what the trace calls the profile, such as the model
 */
export function chromeTrace(profile: StepProfile, name: string): ChromeTrace {
  const { inputShape, mode, adapter } = profile
  const metadata = (event: 'process_name' | 'thread_name', tid: number, text: string): TraceEvent => {
    return { ph: 'M', name: event, pid, tid, args: { name: text } }
  }
  return {
    traceEvents: [
      metadata('process_name', cpu, `${name}, ${mode}, ${inputShape.join('x')}`),
      metadata('thread_name', cpu, 'CPU: recording'),
      metadata('thread_name', gpu, `GPU: ${adapter.name}`),
      { ph: 'M', name: 'thread_sort_index', pid, tid: cpu, args: { sort_index: cpu } },
      { ph: 'M', name: 'thread_sort_index', pid, tid: gpu, args: { sort_index: gpu } },
      ...phaseSlices(profile),
      ...dispatchSlices(profile),
    ],
    displayTimeUnit: 'ms',
  }
}

/** Writes `chromeTrace` to a file, which is complete or not there. Node only; throws the file system's error. */
export async function writeChromeTrace(file: string, profile: StepProfile, name: string): Promise<void> {
  await atomicWrite(file, JSON.stringify(chromeTrace(profile, name)))
}

function phaseSlices({ phases }: StepProfile): TraceEvent[] {
  return phases.map(({ name, start, milliseconds }) => ({
    ph: 'X',
    name,
    cat: 'recording',
    ts: start * 1000,
    dur: milliseconds * 1000,
    pid,
    tid: cpu,
    args: {},
  }))
}

function dispatchSlices({ dispatches, gpuStart }: StepProfile): TraceEvent[] {
  let free = 0
  return [...dispatches]
    .sort((a, b) => a.start - b.start)
    .map(({ kernel, label, start, end, milliseconds, operations, bytes, workgroups }) => {
      // slices of a track must not overlap, but a GPU may begin with a dispatch before it has ended the one before
      const from = Math.max(start, free)
      free = Math.max(from, end)
      const speeds = milliseconds > 0 && {
        'GFLOP/s': operations / milliseconds / 1e6,
        'GB/s': bytes / milliseconds / 1e6,
      }
      return {
        ph: 'X',
        name: kernel,
        cat: label.phase,
        ts: gpuStart * 1000 + from / 1000,
        dur: (free - from) / 1000,
        pid,
        tid: gpu,
        args: {
          layer: label.module,
          phase: label.phase,
          milliseconds,
          operations,
          bytes,
          ...speeds,
          workgroups: workgroups.join(' x '),
        },
      }
    })
}
