/** The charts of a scaling run: time, with what it would be if it were proportional to the work, and memory. */
import type { TopLevelSpec } from 'vega-lite'
import { type Axis, positionOf } from '../scaling/points.js'
import { linearReference, type Scaling, type ScalingResult } from '../scaling/results.js'

const schema = 'https://vega.github.io/schema/vega-lite/v6.json'

const axes = {
  batch: { title: 'images in a batch', scale: { type: 'log', base: 2 } },
  side: { title: 'image side, pixels', scale: { type: 'log', base: 2, nice: false } },
  depth: { title: 'layers', scale: { type: 'linear' } },
} as const

const legend = { orient: 'bottom' } as const
const dash = {
  type: 'nominal',
  title: null,
  legend: { orient: 'bottom', symbolType: 'stroke', symbolStrokeColor: 'black', symbolSize: 500, labelLimit: 0 },
} as const

export interface TimePoint {
  readonly position: number
  readonly mode: string
  readonly kind: 'measured' | 'proportional to the work'
  readonly ms: number
}

/** The lines of an axis: what was measured, and the reference of each mode. */
export function timePoints(results: readonly ScalingResult[]): TimePoint[] {
  const modes = [...new Set(results.map(({ mode }) => mode))]
  return modes.flatMap((mode) => {
    const some = results.filter((result) => result.mode === mode)
    const measured = some.flatMap((result) =>
      result.ms === undefined ? [] : [{ position: positionOf(result), mode, kind: 'measured' as const, ms: result.ms }],
    )
    const reference = linearReference(some).map((point) => ({
      ...point,
      mode,
      kind: 'proportional to the work' as const,
    }))
    return [...measured, ...reference]
  })
}

/** Time and memory along an axis, as a Vega-Lite specification. */
export function axisChart({ points, adapter, platform }: Scaling, axis: Axis): TopLevelSpec {
  const results = points.filter((point) => point.axis === axis)
  const { title, scale } = axes[axis]
  const x = { field: 'position', type: 'quantitative', title, scale } as const
  const memory = results.flatMap((result) => {
    const { mode, tensorsMB, peakMB } = result
    const both = [
      { what: 'tensors', megabytes: tensorsMB },
      { what: 'process', megabytes: peakMB },
    ]
    return both.map((one) => ({ ...one, mode, position: positionOf(result) }))
  })
  return {
    $schema: schema,
    background: 'white',
    title: { text: titleOf(results, axis), subtitle: [adapter, platform].filter(Boolean).join(', '), anchor: 'start' },
    hconcat: [
      {
        width: 300,
        height: 240,
        data: { values: timePoints(results) },
        mark: { type: 'line', point: true },
        encoding: {
          x,
          y: { field: 'ms', type: 'quantitative', title: 'ms', scale: { type: 'log', nice: false } },
          color: { field: 'mode', type: 'nominal', title: null, legend },
          strokeDash: { ...dash, field: 'kind', sort: ['measured', 'proportional to the work'] },
        },
      },
      {
        width: 300,
        height: 240,
        data: { values: memory.filter(({ megabytes }) => megabytes !== undefined) },
        mark: { type: 'line', point: true },
        encoding: {
          x,
          y: { field: 'megabytes', type: 'quantitative', title: 'peak memory, MB' },
          color: { field: 'mode', type: 'nominal', title: null, legend },
          strokeDash: { ...dash, field: 'what', sort: ['tensors', 'process'] },
        },
      },
    ],
    resolve: { scale: { strokeDash: 'independent' } },
  }
}

/** Steps per second of a long run, as a Vega-Lite specification. */
export function longRunChart({ windows, adapter, platform }: Scaling): TopLevelSpec {
  return {
    $schema: schema,
    background: 'white',
    width: 640,
    height: 220,
    title: {
      text: `MiniVGG, ${windows.at(-1)?.step ?? 0} training steps`,
      subtitle: [adapter, platform].filter(Boolean).join(', '),
      anchor: 'start',
    },
    data: { values: [...windows] },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step' },
      y: { field: 'stepsPerSecond', type: 'quantitative', title: 'steps per second', scale: { zero: true } },
    },
  }
}

function titleOf(results: readonly ScalingResult[], axis: Axis): string {
  const [first] = results
  if (!first) return ''
  const fixed = {
    batch: `${first.architecture}, ${first.side}x${first.side}`,
    side: `${first.architecture}, batch ${first.batch}`,
    depth: `ResNets, batch ${first.batch}, ${first.side}x${first.side}`,
  }
  return fixed[axis]
}
