/** The chart of a comparison: how many times as long as Daybreak each peer takes, as bars from 1 on a logarithmic axis. */
import type { TopLevelSpec } from 'vega-lite'
import { ours } from '../peers/list.js'
import { type Comparison, resultFor } from '../peers/results.js'
import { casesOf, isSound, millisecondsOf, peersOf, ratioOf } from '../peers/table.js'

export interface RatioBar {
  readonly case: string
  readonly peer: string
  readonly ratio: number
}

/** What can be drawn: both times are known, and the peer's output is right. */
export function ratioBars({ results }: Pick<Comparison, 'results'>): RatioBar[] {
  return casesOf(results).flatMap((name) =>
    peersOf(results).flatMap((peer) => {
      const ratio = peer === ours ? undefined : ratioOf(results, name, peer)
      return ratio !== undefined && isSound(resultFor(results, name, peer)!) ? [{ case: name, peer, ratio }] : []
    }),
  )
}

/** A Vega-Lite specification. */
export function peersChart(comparison: Comparison): TopLevelSpec {
  const { results, cold, platform } = comparison
  const own = results.find((result) => result.peer === ours && millisecondsOf(result) !== undefined)
  const what = cold ? 'first execution, shaders not compiled before' : 'median of one execution'
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    width: 560,
    height: { step: 9 },
    background: 'white',
    title: {
      text: "Time of other engines, in times of Daybreak's",
      subtitle: [`${what}; above 1 Daybreak is faster`, [own?.adapter, platform].filter(Boolean).join(', ')],
      anchor: 'start',
    },
    data: { values: ratioBars(comparison) },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          y: { field: 'case', type: 'nominal', title: null, sort: null },
          yOffset: { field: 'peer', type: 'nominal', sort: null },
          x: { field: 'ratio', type: 'quantitative', scale: { type: 'log' }, title: 'times Daybreak' },
          x2: { datum: 1 },
          color: { field: 'peer', type: 'nominal', sort: null, title: null, legend: { orient: 'bottom', columns: 3 } },
        },
      },
      { mark: { type: 'rule', strokeWidth: 1.5 }, encoding: { x: { datum: 1 } } },
    ],
  }
}
