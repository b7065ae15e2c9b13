/** The loops of a program, and the one in which it spends its time. */
import type { Block, Instruction } from './disassembly.js'
import { bytesOf, isMultiplyAdd, kindOf, multiplyAddsOf, vectorOperationsOf } from './instructions.js'

/** Blocks `first` to `last`: the compiler keeps loops together, and the last block that jumps back ends one. */
export interface Loop {
  readonly first: number
  readonly last: number
  /** In the order of the code. */
  readonly inner: readonly Loop[]
}

/** The outermost loops in the order of the code, with the loops inside of them. */
export function findLoops(blocks: readonly Block[]): Loop[] {
  const numbers = new Map(blocks.map(({ label }, i) => [label, i]))
  const lastOf = new Map<number, number>()
  for (const [i, { instructions }] of blocks.entries()) {
    for (const instruction of instructions) {
      if (kindOf(instruction) !== 'branch') continue
      const target = numbers.get(instruction.operands[0] ?? '')
      if (target !== undefined && target <= i) lastOf.set(target, i)
    }
  }
  const nested = (from: number, to: number): Loop[] => {
    const loops: Loop[] = []
    for (let first = from; first <= to; first++) {
      const last = lastOf.get(first)
      if (last === undefined || last > to) continue
      lastOf.delete(first)
      loops.push({ first, last, inner: nested(first, last) })
      first = last
    }
    return loops
  }
  return nested(0, blocks.length - 1)
}

/** The instructions of a loop, or of a whole program, those of loops inside of it once. */
export function instructionsOf(blocks: readonly Block[], { first, last }: Pick<Loop, 'first' | 'last'>): Instruction[] {
  return blocks.slice(first, last + 1).flatMap(({ instructions }) => instructions)
}

/**
 * The loop whose own blocks have the most multiply-adds, with the loops around it, from the inside to the outside. Empty
 * where no loop has any.
 */
export function hottestLoop(blocks: readonly Block[], loops: readonly Loop[]): Loop[] {
  let best: Loop[] = []
  let most = 0
  const visit = (loop: Loop, around: readonly Loop[]) => {
    const path = [loop, ...around]
    for (const inner of loop.inner) visit(inner, path)
    const count = (part: Pick<Loop, 'first' | 'last'>) => sum(instructionsOf(blocks, part).map(multiplyAddsOf))
    const own = count(loop) - sum(loop.inner.map(count))
    if (own > most) [most, best] = [own, path]
  }
  for (const loop of loops) visit(loop, [])
  return best
}

/** What one pass through a loop consists of, counted for one lane. */
export interface LoopCounts {
  /** A dual instruction counts twice here and once among the vector instructions. */
  readonly multiplyAdds: number
  readonly vectorOperations: number
  readonly vectorInstructions: number
  readonly scalarInstructions: number
  readonly sharedInstructions: number
  readonly sharedBytes: number
  readonly memoryInstructions: number
  readonly memoryBytes: number
  readonly waits: number
  readonly barriers: number
  /** Sums that the multiply-adds go to: the results of an invocation. */
  readonly accumulators: number
}

export function countLoop(instructions: readonly Instruction[]): LoopCounts {
  const ofKind = (...kinds: string[]) => instructions.filter((instruction) => kinds.includes(kindOf(instruction)))
  const bytes = (kind: string) => sum(ofKind(kind).map(bytesOf))
  return {
    multiplyAdds: sum(instructions.map(multiplyAddsOf)),
    vectorOperations: sum(instructions.map(vectorOperationsOf)),
    vectorInstructions: ofKind('vector').length,
    scalarInstructions: ofKind('scalar', 'constant', 'branch').length,
    sharedInstructions: ofKind('shared').length,
    sharedBytes: bytes('shared'),
    memoryInstructions: ofKind('memory').length,
    memoryBytes: bytes('memory'),
    waits: ofKind('wait').length,
    barriers: ofKind('barrier').length,
    accumulators: countAccumulators(instructions),
  }
}

/** Multiply-adds whose addend does not come from another one in the same pass through the loop. */
function countAccumulators(instructions: readonly Instruction[]): number {
  const sums = new Set<string>()
  let accumulators = 0
  for (const instruction of instructions) {
    for (const operation of [instruction, ...(instruction.paired ? [instruction.paired] : [])]) {
      const [destination = '', ...sources] = operation.operands
      if (isMultiplyAdd(operation)) {
        const addend = sources[2] ?? destination // fmac adds to its destination
        if (!sums.has(addend)) accumulators++
        if (addend !== destination) sums.delete(addend)
        sums.add(destination)
      } else if (/^v_(dual_)?mov_b32$/.test(operation.opcode) && sums.has(sources[0] ?? '')) {
        sums.add(destination)
      } else if (kindOf(operation) === 'vector') {
        sums.delete(destination)
      }
    }
  }
  return accumulators
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
