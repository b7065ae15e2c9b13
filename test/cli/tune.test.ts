/** `daybreak tune` and `--tune`: what they print, keep and use, and what they refuse. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseShipped } from '../../src/tuning/shipped.js'
import { complaint, daybreak } from '../support/command.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'daybreak-tune-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** With a cache that only these tests see. */
function run(words: string[], cache = 'cache', options: Parameters<typeof daybreak>[1] = {}) {
  const environment = { DAYBREAK_CACHE: path.join(folder, cache), DAYBREAK_TUNE: undefined }
  return daybreak(words, { folder, timeout: 110_000, environment, ...options })
}

const tuneWords = (...words: string[]) => [
  'tune',
  '--model',
  'minivgg',
  '--batch-size',
  '2',
  '--image-size',
  '8',
  '--mode',
  'forward',
  ...words,
]
const kept = async (cache: string) => readdir(path.join(folder, cache, 'tuning'))

interface Printed {
  interrupted: boolean
  place: string
  problems: { fresh: boolean; milliseconds?: number; timings: unknown[] }[]
}

describe('tune', () => {
  test('prints a table, keeps the times, and measures nothing twice', async () => {
    const exported = path.join(folder, 'new', 'class.json')
    const first = await run(tuneWords('--export', exported))
    expect(first.status, first.stderr).toBe(0)
    expect(first.stdout).toMatch(/^minivgg: inference, images 2x8x8x1\nadapter {2}\S/)
    expect(first.stdout).toMatch(/│ problem +│ method +│ +ms │ GFLOP\/s │ without tuning +│ +ms │ +faster │/)
    expect(first.stdout).toMatch(
      /│ conv2d forward 8x8x1 -> 8x8x\d+, kernel 3x3, padding 1x1, packed, batch 2 +│ [\w -]+ │ +[\d.]+ │ +[\d.]+ │ [\w -]+ │ +[\d.]+ │ +[\d.]+ x │/,
    )
    const [, count] = /measured (\d+) of \1 problems; 0 were known/.exec(first.stdout)!
    const [file] = await kept('cache')
    expect(first.stdout).toContain(`times    ${path.join(folder, 'cache', 'tuning', file!)}\n`)
    expect(parseShipped(await readFile(exported, 'utf8'), exported)).toHaveLength(Number(count))

    const second = await run(tuneWords('--json'))
    expect(second.status, second.stderr).toBe(0)
    const printed = JSON.parse(second.stdout) as Printed
    expect(printed).toMatchObject({ model: 'minivgg', mode: 'forward', inputShape: [2, 8, 8, 1], interrupted: false })
    expect(printed.problems).toHaveLength(Number(count))
    expect(printed.problems.every(({ fresh, timings }) => !fresh && timings.length > 0)).toBe(true)
  })

  test('keeps what was measured when Ctrl-C ends it, and goes on from there', async () => {
    const words = ['tune', '--model', 'minivgg', '--batch-size', '8', '--mode', 'forward']
    let acted = false
    const stopped = await run(words, 'stopped', {
      onOutput: ({ stdout }, child) => {
        if (acted || !stdout.includes('adapter')) return
        acted = true
        child.kill('SIGINT')
      },
    })
    expect(stopped.status, stopped.stderr).toBe(0)
    expect(stopped.stderr).toContain('stopping after this problem; once more to stop at once')
    const [, measured, all] = /measured (\d+) of (\d+) problems; 0 were known\n/.exec(stopped.stdout)!
    expect(Number(measured)).toBeLessThan(Number(all))
    expect(stopped.stdout).toMatch(/stopped; the same command goes on\n$/)
    const second = await run(words, 'stopped')
    expect(second.stdout).toContain(
      `measured ${Number(all) - Number(measured)} of ${all!} problems; ${measured!} were known\n`,
    )
  })

  test('tells of a damaged file and replaces it', async () => {
    const [file] = await kept('cache')
    await mkdir(path.join(folder, 'damaged', 'tuning'), { recursive: true })
    await writeFile(path.join(folder, 'damaged', 'tuning', file!), '{"format"')
    const { status, stdout, stderr } = await run(tuneWords('--json'), 'damaged')
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(
      /^daybreak: measured times are ignored, and written anew by "daybreak tune": .*expected JSON/,
    )
    expect((JSON.parse(stdout) as Printed).problems.every(({ fresh }) => fresh)).toBe(true)
    expect((await run(tuneWords('--json'), 'damaged')).stderr).toBe('')
  })

  test('refuses what makes no sense', async () => {
    expect(complaint(await run(['tune', '--model', 'minivgg', '--fuse']))).toMatch(/--fuse: expected --mode forward/)
    expect(complaint(await run(['tune', '--model', 'resnet']))).toContain('resnet50')
    expect(complaint(await run(tuneWords('--mode', 'eval')))).toMatch(/forward, training/)
    expect(complaint(await run(tuneWords('--export', folder)))).toMatch(/--export: expected a file that can be read/)
    const foreign = path.join(folder, 'foreign.json')
    await writeFile(foreign, '[]')
    expect(complaint(await run(tuneWords('--export', foreign)))).toMatch(/foreign.json: expected an object/)
  })
})

describe('--tune', () => {
  const finetune = (...words: string[]) => {
    const small = ['--limit', '16', '--test-limit', '8', '--batch-size', '8', '--epochs', '1']
    return ['finetune', '--model', 'minivgg', ...small, ...words]
  }

  test('full measures before training, and later runs use it', { timeout: 400_000 }, async () => {
    const full = await run(finetune('--tune', 'full'), 'full')
    expect(full.status, full.stderr).toBe(0)
    const [file, ...others] = await kept('full')
    expect(others).toEqual([])
    const place = path.join(folder, 'full', 'tuning', file!)
    const before = await readFile(place, 'utf8')
    const cached = await run(finetune(), 'full')
    const results = /^epoch 1\/1 {2}train loss [\d.]+ accuracy [\d.]+ % {2}test loss [\d.]+/m
    expect(results.exec(full.stdout)).not.toBeNull()
    expect(results.exec(cached.stdout)![0]).toBe(results.exec(full.stdout)![0])
    expect(await readFile(place, 'utf8')).toBe(before)
    await writeFile(place, 'nonsense')
    expect((await run(finetune('--tune', 'off'), 'full')).stderr).not.toContain('measured times')
    expect((await run(finetune('--tune', 'cached'), 'full')).stderr).toContain('measured times are ignored')
  })

  test('and DAYBREAK_TUNE are one of three words', async () => {
    expect(complaint(await run(finetune('--tune', 'on')))).toMatch(/off, cached, full/)
    const environment = { DAYBREAK_TUNE: 'on' }
    expect(complaint(await run(finetune(), 'cache', { environment }))).toMatch(
      /DAYBREAK_TUNE: expected off, cached, full, got "on"/,
    )
  })
})
