/** What of a state dict fits into what of a module: names, shapes, types. */
import { WeightsError } from '../device/errors.js'
import { formatShape, sameShape } from '../autograd/shape.js'
import { stateDictShape } from './layout.js'
import type { Module, StateEntry } from './module.js'
import type { NamedArray } from './state-dict.js'

/** Which tensors must be there. */
export interface MatchOptions {
  /** Whether missing and unexpected tensors are errors, as by default, or only reported. */
  strict?: boolean
  /** Names of tensors that may be missing all the same; a name that ends in a dot stands for all that begin with it. */
  allowMissing?: readonly string[]
  /** What errors call the state dict, such as its file's name. */
  source?: string
}

/** A tensor that came in another shape, which differs in dimensions of length 1 only. */
export interface ReshapedTensor {
  readonly name: string
  /** Its shape in the state dict that was loaded, and in those of this module. */
  readonly from: readonly number[]
  readonly to: readonly number[]
}

export interface LoadReport {
  /** Names of tensors that the module took from the state dict. */
  readonly loaded: readonly string[]
  /** Names of tensors that the module has and the state dict has not. */
  readonly missing: readonly string[]
  /** Names of tensors that the state dict has and the module has not. */
  readonly unexpected: readonly string[]
  /** Those of `loaded` that had another shape. */
  readonly reshaped: readonly ReshapedTensor[]
}

/** An array of a state dict, and where its values go. */
export interface Match<T> {
  readonly name: string
  readonly entry: StateEntry
  readonly array: T
}

/**
 * Finds what goes where. Nothing is read or changed.
 *
 * @throws WeightsError when tensors are missing or unexpected (see `MatchOptions`), or of another shape or type
 */
export function matchState<T extends Pick<NamedArray, 'shape' | 'dtype'>>(
  module: Module,
  arrays: ReadonlyMap<string, T>,
  { strict = true, allowMissing = [], source = 'state dict' }: MatchOptions,
): { matches: Match<T>[]; report: LoadReport } {
  const state = module.namedState()
  const unexpected = [...arrays.keys()].filter((name) => !state.has(name))
  // counters may be missing: they are younger than many checkpoints
  const missing = [...state].flatMap(([name, entry]) => (arrays.has(name) || entry.kind === 'counter' ? [] : [name]))
  const required = missing.filter((name) => !isAmong(name, allowMissing))
  if (strict && (required.length > 0 || unexpected.length > 0)) throw mismatch(source, module, required, unexpected)
  // in the order of the state dict, which is that of its file
  const matches = [...arrays].flatMap(([name, array]) => {
    const entry = state.get(name)
    return entry ? [{ name, entry, array }] : []
  })
  checkArrays(source, matches)
  const reshaped = matches.flatMap(({ name, entry, array }) => {
    const to = shapeOf(entry)
    return sameShape(array.shape, to) ? [] : [{ name, from: array.shape, to }]
  })
  return { matches, report: { loaded: matches.map(({ name }) => name), missing, unexpected, reshaped } }
}

function isAmong(name: string, names: readonly string[]): boolean {
  return names.some((each) => name === each || (each.endsWith('.') && name.startsWith(each)))
}

/** The shape that state dicts have of an entry. */
function shapeOf(entry: StateEntry): number[] {
  return entry.kind === 'counter' ? [] : stateDictShape(entry.tensor.shape, entry.layout)
}

function checkArrays(source: string, matches: readonly Match<Pick<NamedArray, 'shape' | 'dtype'>>[]): void {
  const wrong = matches.flatMap(({ name, entry, array }) => {
    const shape = shapeOf(entry)
    if (!sameShape(withoutOnes(array.shape), withoutOnes(shape))) {
      return [{ name, expected: `shape ${formatShape(shape)}`, found: formatShape(array.shape) }]
    }
    const rightType = entry.kind === 'counter' || array.dtype === 'float32'
    return rightType ? [] : [{ name, expected: 'float32', found: array.dtype }]
  })
  const first = wrong[0]
  if (!first) return
  const others = wrong.length > 1 ? ` (wrong as well: ${list(wrong.slice(1).map(({ name }) => name))})` : ''
  throw new WeightsError(source, { tensor: first.name, expected: first.expected, found: first.found + others })
}

/** Dimensions of length 1 do not change the order of elements: [1000, 2048, 1, 1] is [1000, 2048]. */
function withoutOnes(shape: readonly number[]): number[] {
  return shape.filter((size) => size !== 1)
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
