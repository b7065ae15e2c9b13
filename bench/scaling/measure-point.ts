/** One point of a scaling run, or a long run, in a process of its own. The first argument says which; JSON is printed. */
import { createEngine } from '../../src/autograd/engine.js'
import { createModel, inputChannelsOf } from '../../src/models/index.js'
import { type Effort, measure } from '../support/measure.js'
import { prepareForward, prepareTraining } from '../support/network.js'
import { peakMemory } from '../support/peak-memory.js'
import { classes, type LongRun, type ScalingPoint } from './points.js'
import type { ScalingResult, WindowResult } from './results.js'

export interface ScalingRequest {
  readonly adapter?: string
  readonly effort: Effort
  readonly point?: ScalingPoint
  readonly longRun?: LongRun
}

export interface ScalingAnswer {
  readonly adapter: string
  readonly point?: ScalingResult
  readonly windows?: readonly WindowResult[]
}

const { adapter, effort, point, longRun } = JSON.parse(process.argv[2]!) as ScalingRequest
const engine = await createEngine({ adapter })
const answer: ScalingAnswer = {
  adapter: engine.device.adapter.name,
  ...(point && { point: await measurePoint(point, effort) }),
  ...(longRun && { windows: await runLong(longRun) }),
}
engine.destroy()
console.log(JSON.stringify(answer))

async function measurePoint(asked: ScalingPoint, wanted: Effort): Promise<ScalingResult> {
  const { architecture, batch, side, mode } = asked
  const model = await createModel(engine, architecture, { numClasses: classes })
  const input = [batch, side, side, inputChannelsOf(architecture)]
  const prepared = mode === 'training' ? prepareTraining(model, input, classes) : prepareForward(model, input)
  const { median, fastest, slowest } = await measure(engine, prepared, wanted)
  return {
    ...asked,
    ms: median,
    fastestMs: fastest,
    slowestMs: slowest,
    multiplyAdds: prepared.multiplyAdds,
    gflops: (2 * prepared.multiplyAdds!) / median / 1e6,
    tensorsMB: engine.memory().peak / 1e6,
    peakMB: peakMemory(),
  }
}

async function runLong({ steps, window, batch }: LongRun): Promise<WindowResult[]> {
  const model = await createModel(engine, 'minivgg', { numClasses: classes })
  const { run } = prepareTraining(model, [batch, 28, 28, 1], classes)
  const step = () => {
    engine.scope(() => {
      run()
    })
  }
  step()
  await engine.idle() // pipelines are compiled
  const windows: WindowResult[] = []
  for (let done = window; done <= steps; done += window) {
    const start = performance.now()
    for (let i = 0; i < window; i++) step()
    await engine.idle()
    windows.push({
      step: done,
      stepsPerSecond: (1000 * window) / (performance.now() - start),
      reservedMB: engine.memory().reserved / 1e6,
      residentMB: process.memoryUsage.rss() / 1e6,
    })
  }
  return windows
}
