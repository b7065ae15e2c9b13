/**
 * How fast an inner product would be, estimated from its machine code and its grid. The model, which docs/performance.md
 * explains: the processor with the most workgroups determines the time; on it, the slowest unit does, where a SIMD is
 * as slow as the one with the most waves. Waves hide each
 * other's waiting as far as they fit beside each other. Units work at the rates of chips.ts, without conflicts.
 */
import { type Chip, peakOf, sharedMemoryRate, simdsPerProcessor, vectorCacheRate } from './chips.js'
import type { Block } from './disassembly.js'
import type { Loop, LoopCounts } from './loops.js'
import type { CompiledDispatch } from './protocol.js'
import { walk } from './wave.js'

/** What the time is spent on, in the end. */
export type Bound = 'vector' | 'shared memory' | 'vector cache' | 'latency' | 'L2 cache' | 'memory'

export interface Estimate {
  readonly bound: Bound
  readonly microseconds: number
  /** Of inner products. For other kernels, the time is what moving their operands takes, the least that is possible. */
  readonly product?: ProductEstimate
}

export interface ProductEstimate {
  /** Useful multiply-adds relative to what the chip can do in the time, with and without issuing two at once. */
  readonly share: PeakShare
  /** The share of the SIMDs' time that has waves to work on: all but the end of the grid. */
  readonly occupied: number
  /** Useful multiply-adds among those of all invocations, which also compute what lies beyond the edges. */
  readonly useful: number
}

export interface PeakShare {
  readonly full: number
  readonly single: number
}

export function peakShare(chip: Chip, multiplyAdds: number, microseconds: number): PeakShare {
  const cycles = microseconds * 1000 * chip.clock
  const peak = peakOf(chip)
  return { full: multiplyAdds / cycles / peak.full, single: multiplyAdds / cycles / peak.single }
}

export interface InnerProductProgram {
  readonly blocks: readonly Block[]
  readonly loops: readonly Loop[]
  /** The hottest loop and those around it, see loops.ts. */
  readonly path: readonly Loop[]
  readonly counts: LoopCounts
  readonly waveSize: number
  /** Waves of that size that a SIMD has room for. */
  readonly wavesPerSimd: number
}

/** Inner products are recognised by the uniform for their depth. */
export function isInnerProduct({ uniforms }: CompiledDispatch): boolean {
  return uniforms.depthPerSplit !== undefined
}

/** Of a kernel that is no inner product. */
export function transferEstimate(chip: Chip, { bytes }: CompiledDispatch): Estimate {
  return { bound: 'memory', microseconds: bytes / chip.memoryBandwidth / 1000 }
}

export function productEstimate(chip: Chip, program: InnerProductProgram, dispatch: CompiledDispatch): Estimate {
  const { blocks, loops, path, counts, waveSize } = program
  const depth = dispatch.uniforms.depthPerSplit!
  const trips = tripsAlong(path, counts.multiplyAdds / counts.accumulators, dispatch, depth)
  const wave = walk(blocks, loops, (loop) => trips.get(loop) ?? 1, chip, waveSize)

  const waves = Math.ceil(dispatch.invocations / waveSize)
  const workgroups = Math.ceil(dispatch.workgroups / chip.processors)
  const wavesOnSimd = Math.ceil((workgroups * waves) / simdsPerProcessor)
  const together = Math.max(1, Math.floor((program.wavesPerSimd * simdsPerProcessor) / waves))
  const cycles: Readonly<Record<Bound, number>> = {
    vector: wavesOnSimd * wave.vectorCycles,
    'shared memory': (workgroups * waves * wave.sharedBytes) / sharedMemoryRate(chip),
    'vector cache': (workgroups * waves * wave.memoryBytes) / vectorCacheRate(chip),
    latency: (workgroups * wave.duration) / Math.min(together, workgroups),
    'L2 cache': (dispatch.workgroups * waves * wave.memoryBytes) / (chip.cacheSlices * 64),
    memory: transferEstimate(chip, dispatch).microseconds * 1000 * chip.clock,
  }
  const [bound, longest] = (Object.entries(cycles) as [Bound, number][]).reduce((a, b) => (b[1] > a[1] ? b : a))
  const microseconds = longest / chip.clock / 1000
  const computed = dispatch.workgroups * dispatch.invocations * counts.accumulators * depth
  return {
    bound,
    microseconds,
    product: {
      share: peakShare(chip, dispatch.multiplyAdds, microseconds),
      occupied: (dispatch.workgroups * waves) / (wavesOnSimd * simdsPerProcessor * chip.processors),
      useful: dispatch.multiplyAdds / computed,
    },
  }
}

/**
 * How often the hottest loop and those around it are passed through. A pass of the hottest one covers a piece of the depth
 * as long as its unrolling; the loops around it cover a tile in shared memory, then a segment, then all.
 */
function tripsAlong(path: readonly Loop[], unrolled: number, dispatch: CompiledDispatch, depth: number) {
  const { tileDepth } = dispatch.template
  const lengths = [Number(tileDepth ?? 0), dispatch.uniforms.segmentLength ?? 0]
  const covered = [unrolled]
  for (const length of lengths) {
    if (covered.length < path.length && length > covered.at(-1)! && length < depth) covered.push(length)
  }
  return new Map(
    path.map((loop, i) => [loop, Math.max(1, Math.ceil((covered[i + 1] ?? depth) / (covered[i] ?? depth)))]),
  )
}
