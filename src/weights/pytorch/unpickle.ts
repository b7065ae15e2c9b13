/**
 * The machine that pickles are programs for: a stack, a memo, and operations of one byte, here without any that runs code
 * (https://docs.python.org/3/library/pickle.html, https://peps.python.org/pep-3154, and the opcodes in Python's
 * `pickletools`). Protocols 0 to 5. Nothing is recursive, and every operation adds a bounded number of values, so memory and
 * time are linear in the pickle's length.
 */
import { ByteReader, PickleSyntaxError } from './byte-reader.js'
import {
  PersistentId,
  PickleCall,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleTuple,
  type PickleValue,
} from './values.js'

/** A network's state dict takes some ten thousand operations; each may cost a hundred bytes. */
const mostOperations = 4_000_000

/** Python's integers have no limit; those of weights fit into eight bytes. */
const longestInteger = 128

/** Where the arguments of an operation begin on the stack. */
const mark = Symbol('mark')

/** The objects that are being built, and what the operations need of the machine. */
class Machine {
  readonly stack: (PickleValue | typeof mark)[] = []
  readonly memo = new Map<number, PickleValue>()
  readonly persistentIds: PersistentId[] = []

  constructor(readonly reader: ByteReader) {}

  push(value: PickleValue): void {
    this.stack.push(value)
  }

  pop(): PickleValue {
    const value = this.stack.pop()
    if (value === undefined || value === mark) throw new PickleSyntaxError('an operation without its arguments')
    return value
  }

  top(): PickleValue {
    const value = this.pop()
    this.push(value)
    return value
  }

  /** Everything above the last mark. */
  popMarked(): PickleValue[] {
    const at = this.stack.lastIndexOf(mark)
    if (at < 0) throw new PickleSyntaxError('an operation without a mark')
    const values = this.stack.splice(at)
    return values.slice(1) as PickleValue[]
  }

  pushPersistent(id: PickleValue): void {
    const value = new PersistentId(id)
    this.persistentIds.push(value)
    this.push(value)
  }

  memoize(index: number): void {
    this.memo.set(index, this.top())
  }

  recall(index: number): void {
    const value = this.memo.get(index)
    if (value === undefined) throw new PickleSyntaxError(`no value with the number ${index}`)
    this.push(value)
  }
}

type Operation = (machine: Machine) => void

/** By the byte that stands for them. */
const operations = new Map<number, Operation>()

function define(code: number | string, operation: Operation): void {
  operations.set(typeof code === 'number' ? code : code.charCodeAt(0), operation)
}

// Constants
define('N', (machine) => machine.push(null))
define(0x88, (machine) => machine.push(true))
define(0x89, (machine) => machine.push(false))
define('J', (machine) => machine.push(machine.reader.int32()))
define('K', (machine) => machine.push(machine.reader.uint8()))
define('M', (machine) => machine.push(machine.reader.uint16()))
define('G', (machine) => machine.push(machine.reader.float64()))
define('F', (machine) => machine.push(Number(machine.reader.line())))
define('I', (machine) => machine.push(integerOrTruth(machine.reader.line())))
define('L', (machine) => machine.push(decimal(machine.reader.line().replace(/L$/, ''))))
define(0x8a, (machine) => machine.push(longInteger(machine.reader.view(machine.reader.uint8()))))
define(0x8b, (machine) => machine.push(longInteger(machine.reader.view(machine.reader.uint32()))))

// Text and bytes. Python 2's strings of bytes are taken as text, as torch.load does, where they are any.
define('X', (machine) => machine.push(machine.reader.text(machine.reader.uint32())))
define(0x8c, (machine) => machine.push(machine.reader.text(machine.reader.uint8())))
define(0x8d, (machine) => machine.push(machine.reader.text(machine.reader.length())))
define('T', (machine) => machine.push(machine.reader.textOrBytes(machine.reader.uint32())))
define('U', (machine) => machine.push(machine.reader.textOrBytes(machine.reader.uint8())))
define('S', (machine) => machine.push(quoted(machine.reader.line())))
define('V', (machine) => machine.push(unescaped(machine.reader.line())))
define('B', (machine) => machine.push(machine.reader.view(machine.reader.uint32())))
define('C', (machine) => machine.push(machine.reader.view(machine.reader.uint8())))
define(0x8e, (machine) => machine.push(machine.reader.view(machine.reader.length())))
define(0x96, (machine) => machine.push(machine.reader.view(machine.reader.length())))

// Containers
define(')', (machine) => machine.push(new PickleTuple([])))
define('t', (machine) => machine.push(new PickleTuple(machine.popMarked())))
for (const length of [1, 2, 3]) define(0x84 + length, (machine) => machine.push(lastAsTuple(machine, length)))
define(0x91, (machine) => machine.push(new PickleTuple(machine.popMarked())))
define(']', (machine) => machine.push(new PickleList()))
define(0x8f, (machine) => machine.push(new PickleList()))
define('l', (machine) => appendTo(pushed(machine, new PickleList(), machine.popMarked())))
define('}', (machine) => machine.push(new PickleDict()))
define('d', (machine) => setIn(pushed(machine, new PickleDict(), machine.popMarked())))
define('a', (machine) => appendTo(onTop(machine, [machine.pop()])))
for (const code of ['e', 0x90]) define(code, (machine) => appendTo(onTop(machine, machine.popMarked())))
define('s', (machine) => setIn(onTop(machine, lastAsTuple(machine, 2).items)))
define('u', (machine) => setIn(onTop(machine, machine.popMarked())))

// The stack and the memo
define('(', ({ stack }) => stack.push(mark))
define('0', ({ stack }) => {
  if (stack.pop() === undefined) throw new PickleSyntaxError('an operation without its arguments')
})
define('1', (machine) => void machine.popMarked())
define('2', (machine) => machine.push(machine.top()))
define('p', (machine) => machine.memoize(Number(decimal(machine.reader.line()))))
define('q', (machine) => machine.memoize(machine.reader.uint8()))
define('r', (machine) => machine.memoize(machine.reader.uint32()))
define(0x94, (machine) => machine.memoize(machine.memo.size))
define('g', (machine) => machine.recall(Number(decimal(machine.reader.line()))))
define('h', (machine) => machine.recall(machine.reader.uint8()))
define('j', (machine) => machine.recall(machine.reader.uint32()))

// Classes, functions, and the calls that are not made
define('c', (machine) => machine.push(new PickleGlobal(machine.reader.line(), machine.reader.line())))
define(0x93, (machine) => {
  const [module, name] = lastAsTuple(machine, 2).items
  if (typeof module !== 'string' || typeof name !== 'string') throw new PickleSyntaxError('a name that is no text')
  machine.push(new PickleGlobal(module, name))
})
for (const code of ['R', 0x81]) {
  define(code, (machine) => {
    const [callee, parameters] = lastAsTuple(machine, 2).items
    machine.push(new PickleCall(callee!, itemsOf(parameters)))
  })
}
define(0x92, (machine) => {
  const [callee, parameters, named] = lastAsTuple(machine, 3).items
  machine.push(new PickleCall(callee!, [...itemsOf(parameters), named!]))
})
define('i', (machine) => {
  const callee = new PickleGlobal(machine.reader.line(), machine.reader.line())
  machine.push(new PickleCall(callee, machine.popMarked()))
})
define('o', (machine) => {
  const [callee, ...parameters] = machine.popMarked()
  if (callee === undefined) throw new PickleSyntaxError('an object without a class')
  machine.push(new PickleCall(callee, parameters))
})
define('b', (machine) => {
  const state = machine.pop()
  const target = machine.top()
  if (target instanceof PickleCall) target.state = state
})
define('P', (machine) => machine.pushPersistent(machine.reader.line()))
define('Q', (machine) => machine.pushPersistent(machine.pop()))

// The frame of a pickle: its length is that of what follows, which says itself where it ends
define(0x80, ({ reader }) => {
  const protocol = reader.uint8()
  if (protocol > 5) throw new PickleSyntaxError(`protocol ${protocol}; 0 to 5 are read`)
})
define(0x95, ({ reader }) => void reader.length())

const stop = '.'.charCodeAt(0)

/** What a pickle describes. */
export interface Unpickled {
  readonly value: PickleValue
  /** All references to something outside, wherever they are. */
  readonly persistentIds: readonly PersistentId[]
  /** The index of the byte after the pickle. */
  readonly end: number
}

/**
 * Interprets a pickle.
 *
 * @param begin where it begins in `bytes`
 * @throws PickleEndedError where `bytes` end before it does
 * @throws PickleSyntaxError where it is not valid, or larger than any state dict
 */
export function unpickle(bytes: Uint8Array, begin = 0): Unpickled {
  const reader = new ByteReader(bytes, begin)
  const machine = new Machine(reader)
  for (let count = 0; count < mostOperations; count++) {
    const code = reader.uint8()
    if (code === stop) return { value: machine.pop(), persistentIds: machine.persistentIds, end: reader.at }
    const operation = operations.get(code)
    if (operation === undefined) throw new PickleSyntaxError(`the unknown operation 0x${code.toString(16)}`)
    operation(machine)
  }
  throw new PickleSyntaxError(`more than ${mostOperations} operations`)
}

function lastAsTuple(machine: Machine, length: number): PickleTuple {
  const items = Array.from({ length }, () => machine.pop())
  return new PickleTuple(items.reverse())
}

function itemsOf(value: PickleValue | undefined): readonly PickleValue[] {
  if (value instanceof PickleTuple) return value.items
  throw new PickleSyntaxError('a call whose arguments are no tuple')
}

interface Addition<T> {
  readonly target: T
  readonly values: readonly PickleValue[]
}

function pushed<T extends PickleValue>(machine: Machine, target: T, values: readonly PickleValue[]): Addition<T> {
  machine.push(target)
  return { target, values }
}

/** Values for the object that is on top of the stack when they are taken off. */
function onTop(machine: Machine, values: readonly PickleValue[]): Addition<PickleValue> {
  return { target: machine.top(), values }
}

function appendTo({ target, values }: Addition<PickleValue>): void {
  if (!(target instanceof PickleList || target instanceof PickleCall)) throw new PickleSyntaxError('items for no list')
  if (target instanceof PickleCall) return
  for (const value of values) target.items.push(value)
}

function setIn({ target, values }: Addition<PickleValue>): void {
  if (!(target instanceof PickleDict || target instanceof PickleCall))
    throw new PickleSyntaxError('entries for no dict')
  if (values.length % 2 !== 0) throw new PickleSyntaxError('a key without a value')
  for (let i = 0; i < values.length; i += 2) target.set(values[i]!, values[i + 1]!)
}

/** Protocol 0 writes truth as integers of two digits. */
function integerOrTruth(line: string): boolean | number | bigint {
  return line === '00' ? false : line === '01' ? true : decimal(line)
}

function decimal(text: string): number | bigint {
  if (!/^[+-]?\d+$/.test(text) || text.length > longestInteger) throw new PickleSyntaxError('a number that is none')
  return smallest(BigInt(text))
}

/** Little-endian, two's complement. */
function longInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length > longestInteger) throw new PickleSyntaxError(`an integer of ${bytes.length} bytes`)
  let value = 0n
  for (const byte of [...bytes].reverse()) value = (value << 8n) | BigInt(byte)
  return smallest(BigInt.asIntN(8 * bytes.length, value))
}

function smallest(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** Protocol 0's strings, as Python's `repr` writes them; those that need escapes are no names of weights. */
function quoted(line: string): string {
  const text = /^(["'])([^\\]*)\1$/.exec(line)?.[2]
  if (text === undefined) throw new PickleSyntaxError('a string with escapes')
  return text
}

function unescaped(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
}
