/**
 * Measured times as JSON text. A file belongs to one adapter with its driver and limits; the times of a family hold for as
 * long as its kernels stay the same.
 */
import type { Device, DeviceLimits } from '../device/device.js'
import { DataError } from '../device/errors.js'
import { JsonReader, parseJson } from './parse.js'
import type { MeasuredProblem } from './table.js'
import { tunedFamilies } from './tunables.js'

const format = 'daybreak tuning table'
/** Goes up when the file, the meaning of a problem's shape or that of a method changes. */
const version = 1

/** What measured times depend on, besides the kernels. */
export interface AdapterIdentity {
  readonly name: string
  readonly driver: string
  readonly vendor: string
  readonly architecture: string
  readonly kind: string
  /** 0 where it is not fixed. */
  readonly subgroupSize: number
  readonly limits: DeviceLimits
}

/** Whose times a file has. */
export interface TableOwner {
  readonly adapter: AdapterIdentity
  /** A hash of the kernels of each family. */
  readonly code: Readonly<Record<string, string>>
}

export async function ownerFor(device: Device): Promise<TableOwner> {
  const { name, driver, vendor, architecture, kind, subgroupSize = 0 } = device.adapter
  const hashes = tunedFamilies.map(async (tuned) => [tuned.family, await hash(tuned.code(device))] as const)
  return {
    adapter: { name, driver, vendor, architecture, kind, subgroupSize, limits: device.limits },
    code: Object.fromEntries(await Promise.all(hashes)),
  }
}

/** The name of an adapter's file, such as `llvmpipe-llvm-15-0-6-256-bits-8f0b4c1d2a3e.json`. */
export async function fileNameFor({ adapter }: TableOwner): Promise<string> {
  const words = adapter.name.toLowerCase().match(/[a-z0-9]+/g) ?? ['adapter']
  return `${words.join('-').slice(0, 60)}-${await hash(JSON.stringify(adapter))}.json`
}

export function formatTable({ adapter, code }: TableOwner, problems: Iterable<MeasuredProblem>): string {
  const lines = [...problems].map((problem) => `\n    ${JSON.stringify(problem)}`)
  const head = JSON.stringify({ format, version, adapter, code }, undefined, 2)
  return `${head.slice(0, -2)},\n  "problems": [${lines.join(',')}\n  ]\n}\n`
}

export interface ParsedTable {
  readonly problems: readonly MeasuredProblem[]
  /** How many problems were left out, as they were measured with other kernels. */
  readonly outdated: number
}

/** @throws DataError where the text is no table of this version, or another adapter's */
export function parseTable(text: string, owner: TableOwner, source: string): ParsedTable {
  const table = new JsonReader(source, parseJson(text, source))
  if (table.get('format').value !== format) table.get('format').fail(`"${format}"`)
  if (table.get('version').value !== version) table.get('version').fail(`version ${version}`)
  if (JSON.stringify(table.get('adapter').object()) !== JSON.stringify(owner.adapter)) {
    throw new DataError(source, `times of ${owner.adapter.name}`, 'those of another adapter, driver or limits')
  }
  const code = table.get('code').texts()
  const all = table.get('problems').list().map(readProblem)
  const problems = all.filter(({ family }) => code[family] === owner.code[family])
  return { problems, outdated: all.length - problems.length }
}

function readProblem(item: JsonReader): MeasuredProblem {
  const timings = item
    .get('timings')
    .list()
    .map((timing) => ({
      method: timing.get('method').method(),
      milliseconds: timing.get('milliseconds').positive(),
      runs: timing.get('runs').positive(),
    }))
  if (timings.length === 0) item.get('timings').fail('at least one timing')
  return { ...item.problemKey(), date: item.get('date').date(), timings }
}

/** 12 hexadecimal digits. Where there is WebGPU, there is this. */
async function hash(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(digest.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
