/** `daybreak profile`: where the time of a step goes. */
import { stat } from 'node:fs/promises'
import Table from 'cli-table3'
import { formatBytes, OptionError } from '../device/errors.js'
import { createModel, inputChannelsOf } from '../models/index.js'
import {
  type ProfileGrouping,
  type ProfileRow,
  profileRows,
  profileStep,
  type StepMode,
  type StepProfile,
  tuneStep,
  writeChromeTrace,
} from '../training/index.js'
import { type EngineCommandOptions, openEngine } from './engine.js'
import { prepareFolder } from './output.js'
import { TuningDisplay } from './tuning-display.js'

export interface ProfileCommandOptions extends EngineCommandOptions {
  model: string
  weights?: string
  numClasses?: number
  batchSize: number
  imageSize?: number
  mode: StepMode
  freezeUntil?: string
  checkpointActivations?: boolean
  fuse?: boolean
  by: ProfileGrouping
  top: number
  trace?: string
  json?: boolean
}

export async function profileCommand(options: ProfileCommandOptions): Promise<void> {
  const { mode, fuse = false, trace } = options
  if (fuse && mode === 'training') throw new OptionError('--fuse', '--mode forward: a fused network cannot train', mode)
  if (trace !== undefined) await prepareTrace(trace)
  const engine = await openEngine(options)
  try {
    const { weights, numClasses } = options
    const created = await createModel(engine, options.model, { weights, numClasses })
    if (options.freezeUntil !== undefined) created.freeze({ until: options.freezeUntil })
    if (options.checkpointActivations) created.checkpointActivations()
    const model = fuse ? created.fuse() : created
    if (fuse) created.dispose()
    const channels = inputChannelsOf(options.model)
    const side = options.imageSize ?? (channels === 1 ? 28 : 224)
    const inputShape = [options.batchSize, side, side, channels]
    if (engine.tuner.mode === 'full') {
      const display = new TuningDisplay()
      await tuneStep(model, { mode, inputShape, onProgress: display.update }).finally(() => display.stop())
    }
    const profile = await profileStep(model, { mode, inputShape })
    if (trace !== undefined) await writeChromeTrace(trace, profile, options.model)
    const rows = profileRows(profile.dispatches, profile.peaks, options.by)
    if (options.json) console.log(JSON.stringify(jsonOf(options, profile, rows)))
    else print(options, profile, rows)
  } finally {
    engine.destroy()
  }
}

/** Finds out before the profile is taken whether the trace can be written. */
async function prepareTrace(file: string): Promise<void> {
  await prepareFolder('--trace', file)
  const status = await stat(file).catch(() => undefined)
  if (status?.isDirectory()) throw new OptionError('--trace', 'a file, not a folder', file)
}

/** What `--json` prints; all times in milliseconds. */
function jsonOf({ model, fuse = false, by, top }: ProfileCommandOptions, profile: StepProfile, rows: ProfileRow[]) {
  const { adapter, dispatches } = profile
  return {
    model,
    fused: fuse,
    mode: profile.mode,
    inputShape: profile.inputShape,
    adapter: adapter.name,
    driver: adapter.driver,
    peaks: profile.peaks,
    dispatches: dispatches.length,
    gpuTime: profile.gpuTime,
    stepTime: profile.stepTime,
    recordingTime: profile.recordingTime,
    submits: profile.submits,
    firstStepTime: profile.firstStepTime,
    pipelines: profile.pipelines,
    memory: profile.memory,
    phases: profile.phases,
    by,
    rows: rows.slice(0, top),
  }
}

function print(options: ProfileCommandOptions, profile: StepProfile, rows: readonly ProfileRow[]): void {
  const { mode, inputShape, adapter, peaks } = profile
  const step = mode === 'training' ? 'a training step' : 'inference'
  console.log(`${options.model}${options.fuse ? ', fused' : ''}: ${step}, images ${inputShape.join('x')}`)
  console.log(`adapter  ${adapter.name}, ${adapter.driver}`)
  console.log(
    `peaks    ${giga(peaks.operationsPerSecond)} GFLOP/s of arithmetic, ${giga(peaks.bytesPerSecond)} GB/s of memory (measured)`,
  )
  console.log(tableOf(rows.slice(0, options.top), options.by))
  const hidden = rows.slice(options.top)
  if (hidden.length > 0) {
    const rest = hidden.reduce((sum, { milliseconds }) => sum + milliseconds, 0)
    console.log(`and ${hidden.length} more with ${time(rest)}: --top ${rows.length} lists them`)
  }
  printTotals(profile)
  if (options.trace !== undefined) {
    console.log(`trace    ${options.trace}, for chrome://tracing or https://ui.perfetto.dev`)
  }
}

function tableOf(rows: readonly ProfileRow[], by: ProfileGrouping): string {
  const names = { kernel: ['kernel'], layer: ['layer', 'phase'], dispatch: ['layer', 'phase', 'kernel'] }[by]
  const figures = [...(by === 'dispatch' ? [] : ['calls']), 'ms', 'share', 'GFLOP/s', 'GB/s', 'of peak', 'bound by']
  const table = new Table({
    head: [...names, ...figures],
    colAligns: [...names.map(() => 'left' as const), ...figures.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) {
    const values = { kernel: row.kernel, layer: row.module, phase: row.phase }
    table.push([
      ...names.map((name) => values[name as keyof typeof values] ?? ''),
      ...(by === 'dispatch' ? [] : [row.calls]),
      row.milliseconds.toFixed(2),
      percent(row.share),
      row.operationsPerSecond === undefined ? '-' : giga(row.operationsPerSecond),
      row.bytesPerSecond === undefined ? '-' : giga(row.bytesPerSecond),
      row.peakShare === undefined ? '-' : percent(row.peakShare),
      row.bound,
    ])
  }
  return table.toString()
}

function printTotals(profile: StepProfile): void {
  const { dispatches, gpuTime, stepTime, recordingTime, submits, firstStepTime, pipelines, memory } = profile
  const { inUse, reserved, peak } = memory
  console.log(
    `GPU      ${time(gpuTime)} in ${counted(dispatches.length, 'dispatch', 'dispatches')}, each profiled in a pass of its own`,
  )
  console.log(
    `step     ${time(stepTime)} without profiling; the CPU records for ${time(recordingTime)} of it, in ${counted(submits, 'submit')}`,
  )
  console.log(`first    ${time(firstStepTime)}, with the compilation of pipelines; ${pipelines} are there now`)
  console.log(
    `memory   ${formatBytes(inUse)} in use between steps, ${formatBytes(peak)} at most, ${formatBytes(reserved)} reserved`,
  )
}

const counted = (count: number, one: string, more = `${one}s`): string => `${count} ${count === 1 ? one : more}`
const giga = (perSecond: number): string => rounded(perSecond / 1e9)
const time = (milliseconds: number): string =>
  milliseconds < 1000 ? `${rounded(milliseconds)} ms` : `${rounded(milliseconds / 1000)} s`
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** Three digits where there are as many before the fourth decimal. */
function rounded(value: number): string {
  const magnitude = value > 0 ? Math.floor(Math.log10(value)) : 0
  return value.toFixed(Math.min(3, Math.max(0, 2 - magnitude)))
}
