/** `npm run bench -- --charts FILE...`: files of results as SVG images and as tables for documents. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import * as vega from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { parseComparison } from '../peers/results.js'
import { legend, memoryRows, ratioRows, timeRows } from '../peers/table.js'
import { pointRows, windowRows } from '../scaling/command.js'
import type { Axis } from '../scaling/points.js'
import { parseScaling } from '../scaling/results.js'
import { markdownTable } from '../support/tables.js'
import { peersChart } from './peers.js'
import { axisChart, longRunChart } from './scaling.js'

export interface ChartsOptions {
  /** JSON files of comparisons and scaling runs. */
  readonly files: readonly string[]
  /** The folder for the images. */
  readonly output?: string
}

interface Drawn {
  readonly charts: Readonly<Record<string, TopLevelSpec>>
  /** Markdown. */
  readonly text: string
}

/** Draws what is in the files, and prints tables in Markdown. Throws an `Error` for a file that holds no results. */
export async function drawCharts({ files, output = 'docs/images' }: ChartsOptions): Promise<void> {
  mkdirSync(output, { recursive: true })
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const isScaling = 'points' in (JSON.parse(text) as object)
    const drawn = isScaling ? drawScaling(text) : drawComparison(text)
    for (const [name, specification] of Object.entries(drawn.charts)) {
      const image = path.join(output, `${name}.svg`)
      writeFileSync(image, await svgOf(specification))
      console.error(`written to ${image}`)
    }
    console.log(drawn.text)
  }
}

function drawComparison(text: string): Drawn {
  const comparison = parseComparison(text)
  const tables = [timeRows(comparison), ratioRows(comparison), memoryRows(comparison)]
  return {
    charts: { [comparison.cold ? 'peers-cold' : 'peers']: peersChart(comparison) },
    text: [...tables.map(markdownTable), legend].join('\n\n'),
  }
}

function drawScaling(text: string): Drawn {
  const scaling = parseScaling(text)
  const measured = [...new Set(scaling.points.map(({ axis }) => axis))]
  const charts = measured.map((axis: Axis): [string, TopLevelSpec] => [`scaling-${axis}`, axisChart(scaling, axis)])
  return {
    charts: Object.fromEntries([...charts, ['scaling-steps', longRunChart(scaling)]]),
    text: [pointRows(scaling.points), windowRows(scaling.windows)].map(markdownTable).join('\n\n'),
  }
}

/** Needs no DOM. */
async function svgOf(specification: TopLevelSpec): Promise<string> {
  const view = new vega.View(vega.parse(compile(specification).spec), { renderer: 'none' })
  return view.toSVG()
}
