/** Everything that is known of one dispatch on one GPU: the compiler's statistics, the hottest loop, the estimate. */
import type { Chip } from './chips.js'
import type { CompiledProgram, Statistics } from './driver-output.js'
import type { Block } from './disassembly.js'
import { type Estimate, estimate } from './estimate.js'
import { countLoop, findLoops, hottestLoop, instructionsOf, type LoopCounts } from './loops.js'
import type { CompiledDispatch } from './protocol.js'

export interface Verdict {
  readonly chip: Chip
  readonly dispatch: CompiledDispatch
  readonly statistics: Statistics
  readonly waveSize: number
  /** Waves of `waveSize` lanes that registers and shared memory leave room for. */
  readonly wavesPerSimd: number
  /** Of the loop with the most multiply-adds, loops inside of it passed through once. */
  readonly loop: LoopCounts | undefined
  /** Multiply-adds among the vector operations of that loop. */
  readonly multiplyAddShare: number | undefined
  readonly estimate: Estimate | undefined
}

/** `requested` is the wave size that the driver was asked for, which counts where the code does not show another one. */
export function judge(
  chip: Chip,
  { statistics, blocks }: CompiledProgram,
  dispatch: CompiledDispatch,
  requested: number,
): Verdict {
  const waveSize = chip.generation === 'gcn' ? 64 : (waveSizeOf(blocks) ?? requested)
  // on RDNA the compiler counts in waves of 32 lanes
  const wavesPerSimd = chip.generation === 'gcn' ? statistics.wavesPerSimd : (statistics.wavesPerSimd * 32) / waveSize
  const loops = findLoops(blocks)
  const path = hottestLoop(blocks, loops)
  const loop = path[0] && countLoop(instructionsOf(blocks, path[0]))
  return {
    chip,
    dispatch,
    statistics,
    waveSize,
    wavesPerSimd,
    loop,
    multiplyAddShare: loop && loop.multiplyAdds / loop.vectorOperations,
    estimate: loop && estimate(chip, { blocks, loops, path, counts: loop, waveSize, wavesPerSimd }, dispatch),
  }
}

/**
 * The lanes of a wave on RDNA, `undefined` where the code does not show it: masks of lanes are whole registers in waves of 64
 * and half ones in waves of 32, and only those have dual instructions.
 */
export function waveSizeOf(blocks: readonly Block[]): 32 | 64 | undefined {
  const instructions = blocks.flatMap((block) => block.instructions)
  const names = new Set(instructions.flatMap(({ operands }) => operands))
  if (names.has('exec_lo') || names.has('vcc_lo') || instructions.some(({ paired }) => paired)) return 32
  return names.has('exec') || names.has('vcc') ? 64 : undefined
}
