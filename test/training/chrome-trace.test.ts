/** The trace of a profile, as the viewers read it. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { KernelTime } from '../../src/device/timestamps.js'
import {
  type ChromeTrace,
  chromeTrace,
  type StepProfile,
  type TraceEvent,
  writeChromeTrace,
} from '../../src/training/index.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const folder = await mkdtemp(path.join(os.tmpdir(), 'daybreak-trace-'))
afterAll(() => rm(folder, { recursive: true }))

function dispatch(kernel: string, start: number, end: number): KernelTime {
  return {
    kernel,
    label: { phase: 'forward', module: 'layer1.0.conv1' },
    milliseconds: (end - start) / 1e6,
    start,
    end,
    operations: 3e6,
    bytes: 6000,
    workgroups: [12, 2, 1],
  }
}

function profileOf(dispatches: KernelTime[]): StepProfile {
  return {
    mode: 'training',
    inputShape: [8, 32, 32, 3],
    adapter: holder.engine.device.adapter,
    peaks: { operationsPerSecond: 1e9, bytesPerSecond: 1e9 },
    dispatches,
    phases: [
      { name: 'forward', start: 0.5, milliseconds: 2 },
      { name: 'submit', start: 2.5, milliseconds: 1 },
    ],
    gpuStart: 3,
    gpuTime: 1,
    stepTime: 10,
    recordingTime: 3,
    submits: 1,
    firstStepTime: 20,
    pipelines: 2,
    memory: holder.engine.memory(),
  }
}

type Slice = Extract<TraceEvent, { ph: 'X' }>
const slicesOf = ({ traceEvents }: ChromeTrace, tid: number): Slice[] =>
  traceEvents.filter((event): event is Slice => event.ph === 'X' && event.tid === tid)

describe('a trace', () => {
  test('names its process and its tracks', () => {
    const { traceEvents } = chromeTrace(profileOf([]), 'resnet50')
    const names = traceEvents.flatMap((event) => (event.ph === 'M' ? [[event.name, event.tid, event.args.name]] : []))
    expect(names).toContainEqual(['process_name', 1, 'resnet50, training, 8x32x32x3'])
    expect(names).toContainEqual(['thread_name', 1, 'CPU: recording'])
    expect(names).toContainEqual(['thread_name', 2, `GPU: ${holder.engine.device.adapter.name}`])
  })

  test('has a slice for each phase and each dispatch, in microseconds', () => {
    const trace = chromeTrace(
      profileOf([dispatch('conv2d/forward', 0, 1500), dispatch('relu/forward', 2000, 2500)]),
      'x',
    )
    expect(slicesOf(trace, 1).map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['forward', 500, 2000],
      ['submit', 2500, 1000],
    ])
    expect(slicesOf(trace, 2).map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
      ['conv2d/forward', 3000, 1.5],
      ['relu/forward', 3002, 0.5],
    ])
    expect(slicesOf(trace, 2)[0]!.args).toMatchObject({
      layer: 'layer1.0.conv1',
      phase: 'forward',
      operations: 3e6,
      bytes: 6000,
      workgroups: '12 x 2 x 1',
    })
    expect(slicesOf(trace, 2)[0]!.args['GFLOP/s']).toBeCloseTo(2000)
  })

  test('has tracks whose slices do not overlap, though dispatches may, and no infinite speeds', () => {
    const overlapping = [
      dispatch('b', 900, 2000),
      dispatch('a', 0, 1000),
      dispatch('c', 950, 1500),
      dispatch('d', 2000, 2000),
    ]
    const slices = slicesOf(chromeTrace(profileOf(overlapping), 'x'), 2)
    expect(slices.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
    let end = 0
    for (const { ts, dur } of slices) {
      expect(dur).toBeGreaterThanOrEqual(0)
      expect(ts).toBeGreaterThanOrEqual(end - 1e-9)
      end = ts + dur
    }
    expect(slices[1]!.args.milliseconds).toBeCloseTo(0.0011) // as it was measured
    expect(slices[3]!.args).not.toHaveProperty('GFLOP/s')
  })

  test('is written as JSON, and nothing is left beside it', async () => {
    const file = path.join(folder, 'trace.json')
    const profile = profileOf([dispatch('a', 0, 10)])
    await writeChromeTrace(file, profile, 'x')
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(chromeTrace(profile, 'x'))
    expect(await readdir(folder)).toEqual(['trace.json'])
  })
})
