/** Modules to state dicts and back: matching names, checking shapes and types, converting layouts. */
import { WeightsError } from '../device/errors.js'
import { formatShape, sameShape } from '../autograd/shape.js'
import { fromStateDict, stateDictShape, toStateDict } from './layout.js'
import type { Module, StateEntry } from './module.js'
import type { NamedArray, StateDict } from './state-dict.js'

export interface LoadOptions {
  /** Whether missing and unexpected tensors are errors, as by default, or only reported. */
  strict?: boolean
  /** Names of tensors that may be missing all the same. */
  mayMiss?: readonly string[]
  /** What errors call the state dict, such as its file's name. */
  source?: string
}

export interface LoadReport {
  /** Names of tensors that the module has and the state dict has not. */
  readonly missing: string[]
  /** Names of tensors that the state dict has and the module has not. */
  readonly unexpected: string[]
}

/** At most so many bytes are copied from the GPU at the same time. */
const readAtOnce = 32 * 2 ** 20
const noValues: Float32Array = new Float32Array()

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
  { strict = true, mayMiss = [], source = 'state dict' }: LoadOptions = {},
): LoadReport {
  const state = module.namedState()
  const unexpected = [...stateDict.keys()].filter((name) => !state.has(name))
  // counters may be missing: they are younger than many checkpoints
  const missing = [...state].flatMap(([name, entry]) => (stateDict.has(name) || entry.kind === 'counter' ? [] : [name]))
  const required = missing.filter((name) => !mayMiss.includes(name))
  if (strict && (required.length > 0 || unexpected.length > 0)) throw mismatch(source, module, required, unexpected)
  const matched = [...state].flatMap(([name, entry]) => {
    const array = stateDict.get(name)
    return array ? [{ name, entry, array }] : []
  })
  checkArrays(source, matched)
  module.engine.noGrad(() => {
    for (const { entry, array } of matched) {
      if (entry.kind === 'counter') entry.counter.value = Number(array.data[0])
      else entry.tensor.set(fromStateDict(array.data as Float32Array, entry.tensor.shape, entry.layout))
    }
  })
  return { missing, unexpected }
}

interface Match {
  readonly name: string
  readonly entry: StateEntry
  readonly array: NamedArray
}

function checkArrays(source: string, matches: readonly Match[]): void {
  const wrong = matches.flatMap(({ name, entry, array }) => {
    const shape = entry.kind === 'counter' ? [] : stateDictShape(entry.tensor.shape, entry.layout)
    const rightShape = entry.kind === 'counter' ? array.data.length === 1 : sameShape(array.shape, shape)
    const rightType = entry.kind === 'counter' || array.dtype === 'float32'
    if (!rightShape) return [{ name, expected: `shape ${formatShape(shape)}`, found: formatShape(array.shape) }]
    return rightType ? [] : [{ name, expected: 'float32', found: array.dtype }]
  })
  const first = wrong[0]
  if (!first) return
  const others = wrong.length > 1 ? ` (wrong as well: ${list(wrong.slice(1).map(({ name }) => name))})` : ''
  throw new WeightsError(source, { tensor: first.name, expected: first.expected, found: first.found + others })
}

function mismatch(source: string, module: Module, missing: string[], unexpected: string[]): WeightsError {
  const parts = [
    ...(missing.length > 0 ? [`${missing.length} missing: ${list(missing)}`] : []),
    ...(unexpected.length > 0 ? [`${unexpected.length} unexpected: ${list(unexpected)}`] : []),
  ]
  return new WeightsError(source, {
    tensor: missing.length + unexpected.length === 1 ? (missing[0] ?? unexpected[0]) : undefined,
    expected: `exactly the tensors of ${module.typeName}`,
    found: parts.join('; '),
  })
}

/** Names as text, cut where it would fill the screen. */
function list(names: readonly string[], most = 12): string {
  const shown = names.slice(0, most).map((name) => `"${name}"`)
  return shown.join(', ') + (names.length > most ? ` and ${names.length - most} more` : '')
}
