/**
 * One wave on its way through a program, alone on its processor: how long it takes, and how much of each unit it uses. A
 * wave issues one instruction after the other and stops only at its waits, so its loads run beside what follows them.
 */
import { type Chip, sharedMemoryRate, vectorCacheRate } from './chips.js'
import type { Block, Instruction } from './disassembly.js'
import { bytesOf, issueCycles, kindOf } from './instructions.js'
import type { Loop } from './loops.js'

/** Clocks from the issue of a load to its data, beside the time that the transfer takes. */
const latencies = { shared: 64, memory: 320, constant: 64 } as const

export interface WaveCost {
  /** Clocks from the first instruction to the last. */
  readonly duration: number
  /** Clocks for which vector instructions occupy the SIMD. */
  readonly vectorCycles: number
  /** Bytes of all lanes through shared memory, and through the vector cache. */
  readonly sharedBytes: number
  readonly memoryBytes: number
}

/** `tripsOf` says how often a loop is passed through each time that it is reached. */
export function walk(
  blocks: readonly Block[],
  loops: readonly Loop[],
  tripsOf: (loop: Loop) => number,
  chip: Chip,
  waveSize: number,
): WaveCost {
  const wave = new Wave(chip, waveSize)
  const visit = (first: number, last: number, inner: readonly Loop[]) => {
    for (let i = first; i <= last; i++) {
      const loop = inner.find((candidate) => candidate.first === i)
      if (loop) {
        const trips = tripsOf(loop)
        for (let trip = 0; trip < trips; trip++) visit(loop.first, loop.last, loop.inner)
        i = loop.last
      } else {
        for (const instruction of blocks[i]!.instructions) wave.issue(instruction)
      }
    }
  }
  visit(0, blocks.length - 1, loops)
  return wave.cost
}

class Wave {
  #now = 0
  #vectorCycles = 0
  #sharedBytes = 0
  #memoryBytes = 0
  /** When shared memory and the vector cache have served what was asked of them. */
  #sharedFree = 0
  #memoryFree = 0
  /** When the loads and stores that are under way end, by the counter that waits look at. */
  readonly #pending = { lgkmcnt: [] as number[], vmcnt: [] as number[] }

  constructor(
    private readonly chip: Chip,
    private readonly waveSize: number,
  ) {}

  get cost(): WaveCost {
    return {
      duration: this.#now,
      vectorCycles: this.#vectorCycles,
      sharedBytes: this.#sharedBytes,
      memoryBytes: this.#memoryBytes,
    }
  }

  issue(instruction: Instruction): void {
    const kind = kindOf(instruction)
    if (kind === 'hint') return
    if (kind === 'wait') {
      this.#wait(instruction)
      return
    }
    if (kind === 'vector') {
      const cycles = issueCycles(instruction, this.chip, this.waveSize)
      this.#vectorCycles += cycles
      this.#now += cycles
      return
    }
    this.#now += this.chip.generation === 'gcn' ? 4 : 1
    const bytes = bytesOf(instruction) * this.waveSize
    if (kind === 'shared') {
      this.#sharedBytes += bytes
      this.#sharedFree = Math.max(this.#sharedFree, this.#now) + bytes / sharedMemoryRate(this.chip)
      this.#pending.lgkmcnt.push(this.#sharedFree + latencies.shared)
    } else if (kind === 'memory') {
      this.#memoryBytes += bytes
      this.#memoryFree = Math.max(this.#memoryFree, this.#now) + bytes / vectorCacheRate(this.chip)
      // nobody waits for stores, except at the program's end
      if (!instruction.opcode.includes('store')) this.#pending.vmcnt.push(this.#memoryFree + latencies.memory)
    } else if (kind === 'constant') {
      this.#pending.lgkmcnt.push(this.#now + latencies.constant)
    }
  }

  /** `s_waitcnt vmcnt(2) lgkmcnt(0)`: goes on when at most so many are under way. */
  #wait({ operands }: Instruction): void {
    for (const operand of operands) {
      const [, counter, most] = /^(lgkmcnt|vmcnt)\((\d+)\)$/.exec(operand) ?? []
      if (counter !== 'lgkmcnt' && counter !== 'vmcnt') continue
      const pending = this.#pending[counter]
      for (const end of pending.splice(0, Math.max(0, pending.length - Number(most)))) {
        this.#now = Math.max(this.#now, end)
      }
    }
  }
}
