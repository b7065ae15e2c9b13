/**
 * Where the memory of a recorded step lies. Every allocation lives from the first to the last command that uses it; two whose
 * lives overlap get different bytes, others may share them. The places are in few arenas, one buffer each.
 *
 * WebGPU does not let a dispatch bind one buffer both to read and to write it, or a copy have one as source and destination,
 * whatever the ranges: such allocations are put into different arenas.
 *
 * The largest allocations are placed first, each where the arenas grow least, and in the narrowest gap that it fits (greedy by
 * size, best fit: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
 */

/** An allocation: its size in bytes, and the numbers of the first and the last command that use it. */
export interface Lifetime {
  readonly size: number
  readonly first: number
  readonly last: number
}

export interface PlacementProblem {
  readonly lifetimes: readonly Lifetime[]
  /** Pairs of allocations, by their indices, that have to be in different arenas. */
  readonly apart: Iterable<readonly [number, number]>
  /** Every offset is a multiple of it; in bytes. */
  readonly alignment: number
  /** The size in bytes that no arena may exceed; no allocation does. */
  readonly largestArena: number
}

/** In bytes. */
export interface Place {
  readonly arena: number
  readonly offset: number
}

export interface Placement {
  /** Of each allocation. */
  readonly places: readonly Place[]
  /** The size of each arena in bytes. */
  readonly arenas: readonly number[]
}

interface Placed extends Lifetime {
  readonly offset: number
}

interface Arena {
  size: number
  /** In the order of their offsets. */
  readonly placed: Placed[]
  readonly members: Set<number>
}

/** A place that an allocation could get. */
interface Candidate {
  readonly arena: number
  readonly offset: number
  /** The bytes by which the arena grows. */
  readonly growth: number
  /** The bytes that stay free between the allocation and what is above it. */
  readonly slack: number
}

/** Places all allocations. */
export function placeAllocations({ lifetimes, apart, alignment, largestArena }: PlacementProblem): Placement {
  const neighbours = neighboursOf(lifetimes.length, apart)
  const arenas: Arena[] = []
  const places: Place[] = []
  const order = [...lifetimes.keys()].sort((a, b) => lifetimes[b]!.size - lifetimes[a]!.size || a - b)
  for (const index of order) {
    const lifetime = lifetimes[index]!
    const candidates = arenas.flatMap((arena, number) => {
      if (neighbours[index]!.some((other) => arena.members.has(other))) return []
      const candidate = { arena: number, ...bestGap(arena, lifetime, alignment) }
      return candidate.offset + lifetime.size <= largestArena ? [candidate] : []
    })
    const best = candidates.reduce<Candidate | undefined>(better, undefined) ?? {
      arena: arenas.push({ size: 0, placed: [], members: new Set() }) - 1,
      offset: 0,
    }
    const arena = arenas[best.arena]!
    insert(arena.placed, { ...lifetime, offset: best.offset })
    arena.members.add(index)
    arena.size = Math.max(arena.size, best.offset + lifetime.size)
    places[index] = { arena: best.arena, offset: best.offset }
  }
  return { places, arenas: arenas.map(({ size }) => size) }
}

/** The largest sum of the bytes that live at the same time: no placement needs fewer. */
export function minimalBytes(lifetimes: readonly Lifetime[]): number {
  const changes = new Map<number, number>()
  const add = (command: number, bytes: number) => changes.set(command, (changes.get(command) ?? 0) + bytes)
  for (const { size, first, last } of lifetimes) {
    add(first, size)
    add(last + 1, -size)
  }
  let live = 0
  let most = 0
  for (const command of [...changes.keys()].sort((a, b) => a - b)) {
    live += changes.get(command)!
    most = Math.max(most, live)
  }
  return most
}

function neighboursOf(count: number, apart: Iterable<readonly [number, number]>): number[][] {
  const neighbours = Array.from({ length: count }, () => new Set<number>())
  for (const [a, b] of apart) {
    neighbours[a]!.add(b)
    neighbours[b]!.add(a)
  }
  return neighbours.map((others) => [...others])
}

/** The narrowest gap between those that live at the same time, or the end. */
function bestGap({ placed, size: arenaSize }: Arena, lifetime: Lifetime, alignment: number): Omit<Candidate, 'arena'> {
  let best: { offset: number; slack: number } | undefined
  let end = 0
  for (const other of placed) {
    if (other.first > lifetime.last || other.last < lifetime.first) continue
    const slack = other.offset - end - lifetime.size
    if (slack >= 0 && (!best || slack < best.slack)) best = { offset: end, slack }
    end = Math.max(end, Math.ceil((other.offset + other.size) / alignment) * alignment)
  }
  const room = arenaSize - end - lifetime.size
  if (best && (room < 0 || best.slack <= room)) return { ...best, growth: 0 }
  return { offset: end, slack: Math.max(0, room), growth: Math.max(0, -room) }
}

function better(best: Candidate | undefined, candidate: Candidate): Candidate {
  if (!best) return candidate
  const difference = candidate.growth - best.growth || candidate.slack - best.slack
  return difference < 0 ? candidate : best
}

function insert(placed: Placed[], one: Placed): void {
  const index = placed.findIndex(({ offset }) => offset > one.offset)
  placed.splice(index < 0 ? placed.length : index, 0, one)
}
