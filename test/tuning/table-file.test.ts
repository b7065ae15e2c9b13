/** Tables of measured times as files: what is written is read again, and what is damaged, foreign or old is not. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KeptTimes } from '../../src/tuning/kept-times.js'
import { formatShipped, mergeShipped, parseShipped, shippedProblems } from '../../src/tuning/shipped.js'
import { fileStore } from '../../src/tuning/store.js'
import { type MeasuredProblem, mergeMeasured } from '../../src/tuning/table.js'
import { fileNameFor, formatTable, ownerFor, parseTable, type TableOwner } from '../../src/tuning/table-file.js'
import { describedDevice } from '../support/tuning.js'

const device = describedDevice({ name: 'Radeon RX 7900 XTX (RADV)' })
let owner: TableOwner
beforeAll(async () => {
  owner = await ownerFor(device)
})

const entry = (batch: number, date = '2026-11-26T12:00:00.000Z', family = 'matmul'): MeasuredProblem => ({
  family,
  shape: '[4x8] * [8x2]',
  batch,
  date,
  timings: [
    { method: { product: 'shared-4x4' }, milliseconds: 0.25, runs: 7 },
    { method: { product: 'registers' }, milliseconds: 1.5, runs: 3 },
  ],
})

describe('a table as text', () => {
  test('is read as it was written, all times and dates included', () => {
    const entries = [entry(1), entry(2, '2026-11-27T00:00:00.000Z', 'conv2d')]
    expect(parseTable(formatTable(owner, entries), owner, 'a')).toEqual({ problems: entries, outdated: 0 })
    expect(parseTable(formatTable(owner, []), owner, 'a')).toEqual({ problems: [], outdated: 0 })
  })

  test('of other kernels counts for those families only that are the same', () => {
    const older = { ...owner, code: { ...owner.code, conv2d: '0123456789ab' } }
    const entries = [entry(1), entry(2, undefined, 'conv2d'), entry(3, undefined, 'unknown')]
    expect(parseTable(formatTable(older, entries), owner, 'a')).toEqual({
      problems: [entries[0], entries[2]],
      outdated: 1,
    })
  })

  test('of another adapter, driver or limits is refused, and has another name', async () => {
    const others = [
      describedDevice({ name: 'another' }),
      describedDevice({ ...device.adapter, driver: '25.1' }),
      describedDevice({ ...device.adapter, subgroupSize: 8 }),
      describedDevice(device.adapter, { workgroupMemory: 32768 }),
    ]
    const name = await fileNameFor(owner)
    expect(name).toMatch(/^radeon-rx-7900-xtx-radv-[0-9a-f]{12}\.json$/)
    expect(await fileNameFor(await ownerFor(describedDevice(device.adapter)))).toBe(name)
    for (const other of others) {
      const foreign = await ownerFor(other)
      expect(await fileNameFor(foreign)).not.toBe(name)
      expect(() => parseTable(formatTable(foreign, [entry(1)]), owner, 'there')).toThrow(
        'there: expected times of Radeon RX 7900 XTX (RADV), found those of another adapter, driver or limits',
      )
    }
  })

  test.each<[string, (text: string) => string, string]>([
    ['cut off', (text) => text.slice(0, -20), 'expected JSON'],
    ['empty', () => '', 'expected JSON'],
    ['a list', () => '[]', 'an object at the document, found []'],
    ['something else', (text) => text.replace('daybreak tuning table', 'recipe'), '"daybreak tuning table" at format'],
    ['of a later version', (text) => text.replace('"version": 1', '"version": 2'), 'version 1 at version, found 2'],
    ['without problems', (text) => text.replace('"problems"', '"others"'), 'a list at problems, found nothing'],
    ['with a time of 0', (text) => text.replace('0.25', '0'), 'a number above 0 at milliseconds, found 0'],
    ['with a time as text', (text) => text.replace('0.25', '"0.25"'), 'a number above 0 at milliseconds'],
    ['with a method of numbers', (text) => text.replace('"shared-4x4"', '4'), 'an object of texts at method'],
    ['with no timings', (text) => text.replace(/"timings":\[.*?\]/, '"timings":[]'), 'at least one timing at timings'],
    ['with a wrong date', (text) => text.replace('2026-11-26T12', 'yesterday'), 'a date at date'],
    ['with a batch of null', (text) => text.replace('"batch":1', '"batch":null'), 'a number above 0 at batch'],
  ])('that is %s is refused with the place', (_what, damage, message) => {
    const text = formatTable(owner, [entry(1)])
    const damaged = damage(text)
    expect(damaged).not.toBe(text)
    expect(() => parseTable(damaged, owner, 'there')).toThrow(message)
  })
})

test('of what was measured twice, the later times count', () => {
  const [early, late] = [entry(1, '2026-01-01T00:00:00Z'), entry(1, '2026-02-01T00:00:00Z')]
  for (const [a, b] of [
    [[early, entry(2)], [late]],
    [[late, entry(2)], [early]],
  ] as const) {
    expect([...mergeMeasured(a, b)]).toEqual(expect.arrayContaining([late, entry(2)]))
    expect([...mergeMeasured(a, b)]).toHaveLength(2)
  }
})

describe('kept in files', () => {
  let folder: string
  let warnings: string[]
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'daybreak-tuning-'))
  })
  beforeEach(() => {
    warnings = []
  })
  afterAll(() => rm(folder, { recursive: true }))

  const open = async (cacheFolder: string, on = device) =>
    KeptTimes.open(on, await fileStore(cacheFolder), (message) => warnings.push(message))

  test('times are found again, together with those of another process', async () => {
    const cache = path.join(folder, 'shared')
    const [first, second] = [await open(cache), await open(cache)]
    expect(await first.read()).toEqual([])
    await Promise.all([first.add([entry(1)]), first.add([entry(2)])])
    await second.add([entry(3)])
    await first.add([entry(4)])
    expect(await (await open(cache)).read()).toEqual([entry(1), entry(2), entry(3), entry(4)])
    const files = await readdir(path.join(cache, 'tuning'))
    expect(files.map((file) => path.join(cache, 'tuning', file))).toEqual([first.place])
    expect(warnings).toEqual([])
  })

  test('a damaged file is told of once and ignored, and replaced by the next times', async () => {
    const kept = await open(path.join(folder, 'damaged'))
    await kept.add([entry(1)])
    await writeFile(kept.place, 'nonsense')
    expect(await kept.read()).toEqual([])
    expect(await kept.read()).toEqual([])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(`${kept.place}: expected JSON`)
    await kept.add([entry(2)])
    expect(await kept.read()).toEqual([entry(2)])
  })

  test('times of other kernels are told of and left out', async () => {
    const kept = await open(path.join(folder, 'older'))
    await kept.add([entry(1)])
    const text = await readFile(kept.place, 'utf8')
    await writeFile(kept.place, text.replace(owner.code.matmul!, '0123456789ab'))
    expect(await kept.read()).toEqual([])
    expect(warnings).toEqual([expect.stringMatching(/1 problems were measured with other versions of their kernels/)])
  })

  test('a folder that cannot be written is told of, and nothing else happens', async () => {
    const blocked = path.join(folder, 'blocked')
    await writeFile(blocked, '')
    const kept = await open(blocked)
    expect(await kept.read()).toEqual([])
    await kept.add([entry(1)])
    expect(warnings).toEqual([expect.stringMatching(/measured times are not kept: .*DAYBREAK_CACHE/)])
  })
})

describe('shipped tables', () => {
  const [a, b] = [
    { family: 'matmul', shape: '[4x8] * [8x2]', batch: 2, method: { product: 'registers' } },
    { family: 'conv2d', shape: 'forward', batch: 10, method: { variant: 'direct', product: 'subgroups' } },
  ]

  test('are read as they were written, in one order', () => {
    expect(formatShipped([a, b])).toBe(formatShipped([b, a]))
    expect(parseShipped(formatShipped([a, b]), 'a')).toEqual([b, a])
    expect(() => parseShipped('{"problems": [{}]}', 'the table')).toThrow('the table: expected text at family')
  })

  test('take over what a later one says', () => {
    const changed = { ...a, method: { product: 'subgroups' } }
    expect([...mergeShipped([a, b], [changed])]).toEqual([changed, b])
  })

  test('of the package are whole', () => {
    for (const ofClass of ['lavapipe', 'swiftshader', 'amd', 'gpu'] as const) {
      expect(Array.isArray(shippedProblems(ofClass))).toBe(true)
    }
  })
})
