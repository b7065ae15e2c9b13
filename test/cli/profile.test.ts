/** `daybreak profile`: what it prints, what it writes, and what it refuses. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ChromeTrace } from '../../src/training/index.js'
import { complaint, daybreak } from '../support/command.js'
import { measures } from '../support/timestamps.js'

const folder = await mkdtemp(path.join(os.tmpdir(), 'daybreak-profile-'))
afterAll(() => rm(folder, { recursive: true }))

const profile = (...words: string[]) => daybreak(['profile', '--model', 'minivgg', '--batch-size', '2', ...words])

interface Printed {
  dispatches: number
  gpuTime: number
  rows: { kernel?: string; module?: string; phase?: string; calls: number; milliseconds: number }[]
}

describe.runIf(measures)('profile', () => {
  test('prints a table of kernels and the totals of a step, and writes a trace', async () => {
    const trace = path.join(folder, 'new', 'trace.json')
    const { status, stdout, stderr } = await profile('--trace', trace)
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^minivgg: a training step, images 2x28x28x1\nadapter {2}\S/)
    expect(stdout).toMatch(/peaks {4}[\d.]+ GFLOP\/s of arithmetic, [\d.]+ GB\/s of memory/)
    expect(stdout).toMatch(/│ kernel +│ calls │ +ms │ +share │ GFLOP\/s │ +GB\/s │ +of peak │ +bound by │/)
    expect(stdout).toMatch(/│ optimizer\/adam +│ +\d+ │ +[\d.]+ │ +[\d.]+ % │ .* % │ +bandwidth │/)
    expect(stdout).toMatch(/^GPU +[\d.]+ m?s in \d+ dispatches/m)
    expect(stdout).toMatch(/^step +[\d.]+ m?s without profiling; the CPU records for [\d.]+ m?s of it, in \d+ submit/m)
    expect(stdout).toMatch(/^first +[\d.]+ m?s, .*; \d+ are there now$/m)
    expect(stdout).toMatch(/^memory +[\d.]+ \w+ in use between steps, [\d.]+ \w+ at most, [\d.]+ \w+ reserved$/m)
    expect(stdout).toContain(trace)
    const { traceEvents } = JSON.parse(await readFile(trace, 'utf8')) as ChromeTrace
    const dispatches = Number(/in (\d+) dispatches/.exec(stdout)![1])
    expect(traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === 2)).toHaveLength(dispatches)
    expect(traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === 1)).toHaveLength(5)
  })

  test('prints JSON, by layer', async () => {
    const { stdout, stderr } = await profile(
      '--json',
      '--by',
      'layer',
      '--top',
      '1000',
      '--mode',
      'forward',
      '--num-classes',
      '3',
    )
    const printed = JSON.parse(stdout) as Printed
    expect(printed, stderr).toMatchObject({
      model: 'minivgg',
      fused: false,
      mode: 'forward',
      inputShape: [2, 28, 28, 1],
    })
    expect(printed.rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(printed.dispatches)
    expect(printed.rows.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeCloseTo(printed.gpuTime, 6)
    expect(printed.rows.map(({ module }) => module)).toContain('features.0')
    expect(new Set(printed.rows.map(({ phase }) => phase))).toEqual(new Set(['forward']))
  })

  test('prints as many rows as asked for, and how many there are', async () => {
    const { stdout } = await profile('--by', 'dispatch', '--top', '3', '--mode', 'forward', '--fuse')
    expect(stdout).toMatch(/^minivgg, fused: inference/)
    expect(stdout).toMatch(/│ layer +│ phase +│ kernel +│ +ms │/)
    expect(stdout.match(/│ forward │/g)).toHaveLength(3)
    expect(stdout).toMatch(/and \d+ more with [\d.]+ m?s: --top \d+ lists them/)
  })
})

describe('profile refuses', () => {
  test('to fuse what shall train', async () => {
    expect(complaint(await profile('--fuse'))).toMatch(/--fuse: expected --mode forward/)
  })

  test('a trace that cannot be written, before it begins', async () => {
    expect(complaint(await profile('--trace', folder))).toMatch(/--trace: expected a file, not a folder/)
    const below = path.join(process.execPath, 'trace.json')
    expect(complaint(await profile('--trace', below))).toMatch(
      /--trace: expected a path in a folder that can be written/,
    )
  })

  test('unknown layers, models and groupings', async () => {
    expect(complaint(await profile('--freeze-until', 'layer9'))).toContain('layer9')
    expect(complaint(await daybreak(['profile', '--model', 'resnet']))).toContain('resnet50')
    expect(complaint(await profile('--by', 'colour'))).toMatch(/kernel, layer, dispatch/)
  })
})
