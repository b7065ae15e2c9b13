/** Loss and accuracy of one training step. */
import { accumulateMetrics, metricsHeaderLength } from '../src/kernels/metrics/accumulate.js'
import { type BenchmarkCase, suite } from './support/case.js'
import { hashedLabels, hashedTensor } from './support/values.js'

export default suite('metrics', step('metrics_10', 128, 10), step('metrics_1000', 128, 1000))

function step(name: string, rows: number, classes: number): BenchmarkCase {
  return {
    name,
    shape: `${rows}x${classes}`,
    prepare(engine) {
      const logits = hashedTensor(engine, [rows, classes])
      const targets = hashedLabels(engine, rows, classes)
      const loss = engine.full([], 1)
      const totals = engine.tensor(new Uint32Array(metricsHeaderLength + 1))
      return {
        run() {
          accumulateMetrics(engine.device, {
            logits: logits.buffer,
            targets: targets.buffer,
            loss: loss.buffer,
            totals: totals.buffer,
            rows,
            classes,
            step: 0,
          })
        },
        bytes: 4 * logits.size,
      }
    },
  }
}
