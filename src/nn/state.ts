/** Modules to state dicts and back. */
import { fromStateDict, stateDictShape, toStateDict } from './layout.js'
import { type LoadReport, type Match, type MatchOptions, matchState } from './match.js'
import type { Module } from './module.js'
import { type Rename, renamed } from './rename.js'
import type { NamedArray, StateDict, StoredArray } from './state-dict.js'

export interface LoadOptions extends MatchOptions {
  rename?: Rename
}

/** At most so many bytes are copied from the GPU at the same time. */
const readAtOnce = 32 * 2 ** 20
const noValues: Float32Array = new Float32Array()

/** In bytes. Tensors of up to this size are read into the same memory: new pages for each would cost as much as reading. */
const readScratch = 16 * 2 ** 20

/** See `Module.stateDict`. */
export async function readStateDict(module: Module): Promise<StateDict> {
  const stateDict: StateDict = new Map()
  let reading: Promise<void>[] = []
  let bytes = 0
  for (const [name, entry] of module.namedState()) {
    if (entry.kind === 'counter') {
      stateDict.set(name, { shape: [], dtype: 'int64', data: BigInt64Array.of(BigInt(entry.counter.value)) })
      continue
    }
    const { tensor, layout } = entry
    if (bytes > 0 && bytes + tensor.size * 4 > readAtOnce) {
      await Promise.all(reading)
      reading = []
      bytes = 0
    }
    const array = { shape: stateDictShape(tensor.shape, layout), dtype: 'float32' as const, data: noValues }
    stateDict.set(name, array) // now, to keep the order
    bytes += tensor.size * 4
    reading.push(
      tensor.toArray().then((values) => {
        array.data = toStateDict(values as Float32Array, tensor.shape, layout)
      }),
    )
  }
  await Promise.all(reading)
  return stateDict
}

/** See `Module.loadStateDict`. */
export function loadStateDict(
  module: Module,
  stateDict: StateDict,
  { rename, ...options }: LoadOptions = {},
): LoadReport {
  const { matches, report } = matchState(module, renamed(stateDict, rename), options)
  const scratch = scratchFor(matches)
  for (const match of matches) assign(module, match, scratch)
  return report
}

/** See `Module.loadTensors`. */
export async function loadTensors(
  module: Module,
  tensors: ReadonlyMap<string, StoredArray>,
  { rename, ...options }: LoadOptions = {},
): Promise<LoadReport> {
  const { matches, report } = matchState(module, renamed(tensors, rename), options)
  const scratch = scratchFor(matches)
  const memory = [new Uint8Array(readScratch), new Uint8Array(readScratch)] as const
  let reading = startReading(matches[0], memory[0])
  for (const [i, { name, entry }] of matches.entries()) {
    const array = await reading!
    reading = startReading(matches[i + 1], memory[(i + 1) % 2]!) // while the GPU gets what came before
    assign(module, { name, entry, array }, scratch)
  }
  return report
}

function startReading(
  match: Match<StoredArray> | undefined,
  memory: Uint8Array<ArrayBuffer>,
): Promise<NamedArray> | undefined {
  const reading = match?.array.read(memory)
  reading?.catch(() => undefined) // it is awaited later, unless something else fails before
  return reading
}

/** Room for the largest array whose values must move: new memory for each would cost as much as moving them. */
function scratchFor(matches: readonly Match<unknown>[]): Float32Array {
  const sizes = matches.map(({ entry }) =>
    entry.kind === 'counter' || entry.layout === 'plain' ? 0 : entry.tensor.size,
  )
  return new Float32Array(Math.max(0, ...sizes))
}

function assign(module: Module, { entry, array }: Match<NamedArray>, scratch: Float32Array): void {
  if (entry.kind === 'counter') {
    entry.counter.value = Number(array.data[0])
    return
  }
  const { tensor, layout } = entry
  module.engine.noGrad(() => tensor.set(fromStateDict(array.data as Float32Array, tensor.shape, layout, scratch)))
}
