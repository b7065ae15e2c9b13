/** `npm run bench -- --scaling`: every point in a process of its own, one after the other. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { runChild } from '../support/child.js'
import { quick as quickEffort, thorough } from '../support/measure.js'
import { platformText } from '../support/platform.js'
import { type Rows, shortNumber, textTable } from '../support/tables.js'
import type { ScalingAnswer, ScalingRequest } from './measure-point.js'
import { longRun, positionOf, scalingPoints } from './points.js'
import { type Scaling, type ScalingResult, speedKept, type WindowResult } from './results.js'

export interface ScalingOptions {
  readonly quick: boolean
  readonly json: boolean
  readonly adapter?: string
  /** The JSON file. */
  readonly output?: string
  /** The folder that bench/ is compiled to. */
  readonly compiled: string
}

const timeout = 900_000

/** Measures, prints tables or JSON lines, and writes a file. */
export async function runScaling({ quick, json, adapter, output, compiled }: ScalingOptions): Promise<void> {
  const effort = quick ? quickEffort : thorough
  const file = path.resolve(output ?? 'runs/bench/scaling.json')
  mkdirSync(path.dirname(file), { recursive: true })
  const points: ScalingResult[] = []
  const windows: WindowResult[] = []
  const scaling = { date: new Date().toISOString(), platform: platformText(), adapter: '', quick, points, windows }
  const save = ({ adapter: name = scaling.adapter }: Partial<ScalingAnswer>) => {
    scaling.adapter = name
    writeFileSync(file, `${JSON.stringify(scaling satisfies Scaling, undefined, 1)}\n`)
  }
  const asked = scalingPoints(quick)
  for (const [i, point] of asked.entries()) {
    const { answer, error } = await measureInProcess(compiled, { adapter, effort, point })
    const result = answer?.point ?? { ...point, error: error ?? 'it ended without an answer' }
    points.push(result)
    console.error(`[${i + 1}/${asked.length + 1}] ${summaryOf(result)}`)
    if (json) console.log(JSON.stringify(result))
    save(answer ?? {})
  }
  const { answer, error } = await measureInProcess(compiled, { adapter, effort, longRun: longRun(quick) })
  windows.push(...(answer?.windows ?? []))
  console.error(`[${asked.length + 1}/${asked.length + 1}] a long run: ${error ?? 'done'}`)
  save(answer ?? {})
  if (json) for (const window of windows) console.log(JSON.stringify(window))
  else console.log(`${textTable(pointRows(points))}\n${textTable(windowRows(windows))}\n${speedText(windows)}`)
  console.error(`written to ${path.relative('.', file)}`)
}

async function measureInProcess(
  compiled: string,
  request: ScalingRequest,
): Promise<{ answer?: ScalingAnswer; error?: string }> {
  const script = path.join(compiled, 'scaling', 'measure-point.js')
  const { stdout, failure } = await runChild(process.execPath, [script, JSON.stringify(request)], { timeout })
  const line = stdout.split('\n').find((text) => text.startsWith('{'))
  return line === undefined ? { error: failure } : { answer: JSON.parse(line) as ScalingAnswer }
}

function summaryOf({ architecture, mode, batch, side, ms, error }: ScalingResult): string {
  const what = `${architecture}, ${mode}, batch ${batch}, ${side}x${side}`
  return `${what}: ${ms === undefined ? `failed (${error})` : `${shortNumber(ms)} ms`}`
}

/** A row for each point. */
export function pointRows(points: readonly ScalingResult[]): Rows {
  const number = (value: number | undefined) => (value === undefined ? '' : shortNumber(value))
  return [
    ['along', 'at', 'network', 'mode', 'batch', 'side', 'ms', 'GFLOP/s', 'tensors MB', 'process MB'],
    ...points.map((point) => [
      point.axis,
      String(positionOf(point)),
      point.architecture,
      point.mode,
      String(point.batch),
      String(point.side),
      point.ms === undefined ? 'failed' : shortNumber(point.ms),
      number(point.gflops),
      number(point.tensorsMB),
      number(point.peakMB),
    ]),
  ]
}

/** A row for each window of a long run. */
export function windowRows(windows: readonly WindowResult[]): Rows {
  return [
    ['step', 'steps/s', 'reserved MB', 'process MB'],
    ...windows.map(({ step, stepsPerSecond, reservedMB, residentMB }) => [
      String(step),
      ...[stepsPerSecond, reservedMB, residentMB].map(shortNumber),
    ]),
  ]
}

function speedText(windows: readonly WindowResult[]): string {
  const kept = speedKept(windows)
  return kept === undefined
    ? 'the long run was too short to compare its parts'
    : `speed in the last fifth of the long run: ${(100 * kept).toFixed(1)} % of that in the second fifth`
}
