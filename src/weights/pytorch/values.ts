/**
 * What a pickle describes, as data. A pickle is a program that builds objects; here its steps leave nothing but a record of
 * what they would have built: a call is kept as the name of its function and its arguments, and is never made.
 */

/** Numbers, text and bytes are themselves; integers beyond 2^53 are bigint, Python's None is null. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickleCall
  | PersistentId

/** A tuple; frozen sets are kept as such, too. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A list or a set. It may contain itself. */
export class PickleList {
  readonly items: PickleValue[] = []
}

/**
 * What has entries, by their keys and in their order. A map is made for the first of them only: one byte of a pickle makes a
 * dict, and an empty map takes two hundred.
 */
abstract class WithEntries {
  #entries: Map<PickleValue, PickleValue> | undefined

  get entries(): ReadonlyMap<PickleValue, PickleValue> {
    return this.#entries ?? noEntries
  }

  set(key: PickleValue, value: PickleValue): void {
    this.#entries ??= new Map()
    this.#entries.set(key, value)
  }
}

const noEntries: ReadonlyMap<PickleValue, PickleValue> = new Map()

/** A dict. It may contain itself. */
export class PickleDict extends WithEntries {}

/** The name of a class or function. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  /** Such as `collections.OrderedDict`. */
  get path(): string {
    return `${this.module}.${this.name}`
  }
}

/**
 * An object that calling `callee` would have made; its entries are what would have been set in it, as in a dict. What would
 * have been appended to it, as to a list, is not kept: no weights are in such objects.
 */
export class PickleCall extends WithEntries {
  /** What its attributes would have been. */
  state: PickleValue | undefined

  constructor(
    readonly callee: PickleValue,
    readonly parameters: readonly PickleValue[],
  ) {
    super()
  }
}

/** Something outside of the pickle, such as a storage. */
export class PersistentId {
  constructor(readonly id: PickleValue) {}
}

/** The path of a call's function, if it is a plain name. */
export function calleeOf(value: PickleValue | undefined): string | undefined {
  return value instanceof PickleCall && value.callee instanceof PickleGlobal ? value.callee.path : undefined
}

/** The path of the function that a call begins with: its own, or that of the call whose result is called. */
function firstCallee(call: PickleCall): string {
  let { callee } = call
  while (callee instanceof PickleCall) callee = callee.callee
  return callee instanceof PickleGlobal ? callee.path : 'an object'
}

/** A value for an error message: short whatever its size. */
export function describePickled(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'None'
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60))
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value).slice(0, 60)
  }
  if (value instanceof PickleGlobal) return `the class or function ${printable(value.path)}`
  if (value instanceof PickleCall) {
    return `what ${printable(firstCallee(value))} would make (no code of a file is run)`
  }
  if (value instanceof PickleTuple) return `a tuple of ${value.items.length}`
  if (value instanceof PickleList) return `a list of ${value.items.length}`
  if (value instanceof PickleDict) return `a dict of ${value.entries.size}`
  return value instanceof PersistentId ? 'a reference to something outside' : `${value.length} bytes`
}

/** A name from a file for an error message: it may be of any length, and hold codes that control terminals. */
export function printable(name: string): string {
  return name.slice(0, 200).replace(/[^\x20-\x7e]/g, '?')
}
