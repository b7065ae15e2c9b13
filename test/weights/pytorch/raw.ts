/** Pickles and files of torch.save that a test writes itself, so that they may be wrong in any way. */
import { crc32 } from 'node:zlib'
import { rawZip, stored } from '../numpy/raw.js'

/** Operations and their arguments: texts are one byte for each character. */
export type Part = string | number | Uint8Array | readonly Part[]

/** The bytes of parts; numbers are single bytes. */
export function bytesOf(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    parts.flatMap((part) => {
      if (typeof part === 'number') return [part]
      if (typeof part === 'string') return Array.from(part, (character) => character.charCodeAt(0))
      return part instanceof Uint8Array ? [...part] : [...bytesOf(...part)]
    }),
  )
}

function integer(bytes: 4 | 8, value: number | bigint): Uint8Array {
  const result = new Uint8Array(8)
  new DataView(result.buffer).setBigInt64(0, BigInt(value), true)
  return result.subarray(0, bytes)
}

export const uint32 = (value: number) => integer(4, value)
export const uint64 = (value: number | bigint) => integer(8, value)

/** A whole pickle of protocol 2. */
export const pickle = (...parts: readonly Part[]) => bytesOf(0x80, 2, ...parts, '.')

export const text = (value: string): Part => ['X', uint32(value.length), value]
/** Any integer of up to eight bytes. */
export const int = (value: number | bigint): Part => [0x8a, 8, uint64(value)]
export const tuple = (...items: readonly Part[]): Part => ['(', ...items, 't']
export const list = (...items: readonly Part[]): Part => [']', '(', ...items, 'e']
export const dict = (entries: Readonly<Record<string, Part>>): Part => [
  '}(',
  ...Object.entries(entries).flatMap(([key, value]) => [text(key), value]),
  'u',
]
export const global = (module: string, name: string): Part => `c${module}\n${name}\n`
export const reduce = (callee: Part, ...parameters: readonly Part[]): Part => [callee, tuple(...parameters), 'R']

export interface RawTensor {
  readonly shape?: readonly (number | bigint)[]
  readonly strides?: readonly (number | bigint)[]
  readonly offset?: number | bigint
  readonly key?: string
  readonly storage?: Part
  /** How many elements its storage is said to have. */
  readonly length?: number | bigint
  readonly rebuild?: Part
}

/** A tensor as torch.save pickles it: by default [2] of the storage "0" of two float32. */
export function tensor({
  shape = [2],
  strides = [1],
  offset = 0,
  key = '0',
  storage = global('torch', 'FloatStorage'),
  length = 2,
  rebuild = global('torch._utils', '_rebuild_tensor_v2'),
}: RawTensor = {}): Part {
  const place: Part = [tuple(text('storage'), storage, text(key), text('cpu'), int(length)), 'Q']
  const hooks = reduce(global('collections', 'OrderedDict'))
  return reduce(rebuild, place, int(offset), tuple(...shape.map(int)), tuple(...strides.map(int)), 0x89, hooks)
}

export const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)

type Storages = Readonly<Record<string, Uint8Array>>

/** A file in the zip format; the storage "0" holds 1 and 2. */
export function zipFile(data: Uint8Array, storages: Storages = { 0: floats(1, 2) }, others: Storages = {}) {
  const entries = {
    'data.pkl': data,
    version: bytesOf('3\n'),
    ...Object.fromEntries(Object.entries(storages).map(([key, bytes]) => [`data/${key}`, bytes])),
    ...others,
  }
  return rawZip(Object.entries(entries).map(([name, bytes]) => stored(`archive/${name}`, bytes, { crc: crc32(bytes) })))
}

export const magic: Part = [0x8a, 10, bytesOf(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19)]

/** A file in the format of before PyTorch 1.6; the storage "0" holds 1 and 2, if the pickle has storages. */
export function legacyFile(data: Uint8Array, storages: Storages = usedStorages(data)) {
  const keys = Object.keys(storages)
  return bytesOf(
    pickle(magic),
    pickle('M', 0xe9, 0x03), // 1001
    pickle(dict({ protocol_version: ['M', 0xe9, 0x03], little_endian: 0x88 })),
    data,
    pickle(list(...keys.map(text))),
    ...keys.flatMap((key) => [uint64(storages[key]!.length / 4), storages[key]!]),
  )
}

function usedStorages(data: Uint8Array): Storages {
  return Buffer.from(data).includes('storage') ? { 0: floats(1, 2) } : {}
}
