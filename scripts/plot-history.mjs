/**
 * Draws the loss and the accuracy of a run: node scripts/plot-history.mjs runs/demo.json docs/images/demo.svg "title".
 * The loss of every step as points, its moving mean as a line, and the test accuracy in the title's second line.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import * as vega from 'vega'
import * as vegaLite from 'vega-lite'

const [input, output, title] = process.argv.slice(2)
if (!input || !output) throw new Error('usage: node scripts/plot-history.mjs CHECKPOINT.json OUTPUT.svg [TITLE]')
const { history } = JSON.parse(readFileSync(input, 'utf8')).training
const losses = history.flatMap((epoch) => epoch.losses)
const values = losses.map((loss, i) => {
  const window = losses.slice(Math.max(0, i - 9), i + 1)
  return { step: i + 1, loss, mean: window.reduce((sum, value) => sum + value, 0) / window.length }
})
const thinning = Math.ceil(values.length / 250)
const last = history.at(-1)
const accuracy = last.validation ? `test accuracy ${(last.validation.accuracy * 100).toFixed(2)} %` : ''
const specification = {
  $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
  width: 640,
  height: 260,
  background: 'white',
  title: { text: title ?? input, subtitle: `${losses.length} steps, ${accuracy}`, anchor: 'start' },
  encoding: { x: { field: 'step', type: 'quantitative', title: 'step' } },
  layer: [
    {
      data: { values: values.filter((_value, i) => i % thinning === 0) },
      mark: { type: 'point', filled: true, size: 14, opacity: 0.45, color: '#8aa6c1' },
      encoding: { y: { field: 'loss', type: 'quantitative', title: 'cross-entropy' } },
    },
    {
      data: { values },
      mark: { type: 'line', color: '#d1495b', strokeWidth: 2 },
      encoding: { y: { field: 'mean', type: 'quantitative' } },
    },
  ],
}
const view = new vega.View(vega.parse(vegaLite.compile(specification).spec), { renderer: 'none' })
writeFileSync(output, await view.toSVG())
