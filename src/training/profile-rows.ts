/** Profiles in rows: by kernel, by layer, or one for each dispatch, with speeds and how near they are to the adapter's peaks. */
import type { KernelTime } from '../device/timestamps.js'
import type { AdapterPeaks } from '../tuning/peaks.js'

/**
 * `kernel` adds up all dispatches of a kernel, `layer` those that were recorded for a module in one phase of the step
 * (forward, backward, ...), `dispatch` nothing.
 */
export type ProfileGrouping = 'kernel' | 'layer' | 'dispatch'

export interface ProfileRow {
  /** What all dispatches of the row have in common; undefined where they differ. */
  readonly kernel: string | undefined
  readonly phase: string | undefined
  readonly module: string | undefined
  readonly calls: number
  readonly milliseconds: number
  /** Of the time of all rows, 0 to 1. */
  readonly share: number
  readonly operations: number
  readonly bytes: number
  /** Speeds are undefined where the GPU's clock is too coarse to see the dispatches. */
  readonly operationsPerSecond: number | undefined
  readonly bytesPerSecond: number | undefined
  /**
   * The least time that the adapter's peaks allow, as a share of the time that it took. Above 1 where memory is spared by
   * caches, or arithmetic by zeros that a kernel skips: both are counted as if they were not.
   */
  readonly peakShare: number | undefined
  /** Which of the peaks says so. */
  readonly bound: 'arithmetic' | 'bandwidth'
}

/** The rows, those that take the longest first. */
export function profileRows(
  dispatches: readonly KernelTime[],
  peaks: AdapterPeaks,
  grouping: ProfileGrouping,
): ProfileRow[] {
  const groups = new Map<string, KernelTime[]>()
  for (const [i, dispatch] of dispatches.entries()) {
    const key = groupKeys[grouping](dispatch, i)
    const group = groups.get(key)
    if (group) group.push(dispatch)
    else groups.set(key, [dispatch])
  }
  const total = sumOf(dispatches, ({ milliseconds }) => milliseconds)
  return [...groups.values()].map((group) => rowOf(group, total, peaks)).sort((a, b) => b.milliseconds - a.milliseconds)
}

const groupKeys: Readonly<Record<ProfileGrouping, (dispatch: KernelTime, index: number) => string>> = {
  kernel: ({ kernel }) => kernel,
  layer: ({ label: { module, phase } }) => JSON.stringify([module, phase]),
  dispatch: (_dispatch, index) => String(index),
}

function rowOf(group: readonly KernelTime[], total: number, peaks: AdapterPeaks): ProfileRow {
  const milliseconds = sumOf(group, (each) => each.milliseconds)
  const operations = sumOf(group, (each) => each.operations)
  const bytes = sumOf(group, (each) => each.bytes)
  const seconds = milliseconds / 1000
  const measurable = milliseconds > 0
  const arithmeticTime = (count: number) => count / peaks.operationsPerSecond
  const bandwidthTime = (count: number) => count / peaks.bytesPerSecond
  const leastSeconds = sumOf(group, (each) => Math.max(arithmeticTime(each.operations), bandwidthTime(each.bytes)))
  return {
    kernel: commonOf(group, ({ kernel }) => kernel),
    phase: commonOf(group, ({ label }) => label.phase),
    module: commonOf(group, ({ label }) => label.module),
    calls: group.length,
    milliseconds,
    share: total > 0 ? milliseconds / total : 0,
    operations,
    bytes,
    operationsPerSecond: measurable ? operations / seconds : undefined,
    bytesPerSecond: measurable ? bytes / seconds : undefined,
    peakShare: measurable ? leastSeconds / seconds : undefined,
    bound: arithmeticTime(operations) >= bandwidthTime(bytes) ? 'arithmetic' : 'bandwidth',
  }
}

function commonOf(group: readonly KernelTime[], value: (dispatch: KernelTime) => string): string | undefined {
  const [first] = group
  return first && group.every((dispatch) => value(dispatch) === value(first)) ? value(first) : undefined
}

function sumOf(group: readonly KernelTime[], value: (dispatch: KernelTime) => number): number {
  return group.reduce((sum, dispatch) => sum + value(dispatch), 0)
}
