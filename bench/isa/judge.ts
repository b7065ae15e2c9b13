/** What is known of a case and its dispatches on one GPU: the compiler's statistics, the hottest loop, the estimate. */
import type { Chip } from './chips.js'
import type { CompiledProgram, Statistics } from './driver-output.js'
import type { Block } from './disassembly.js'
import {
  type Estimate,
  isInnerProduct,
  type PeakShare,
  peakShare,
  productEstimate,
  transferEstimate,
} from './estimate.js'
import { countLoop, findLoops, hottestLoop, instructionsOf, type LoopCounts, sum } from './loops.js'
import type { CompiledCase, CompiledDispatch } from './protocol.js'

export interface Verdict {
  readonly dispatch: CompiledDispatch
  readonly statistics: Statistics
  readonly waveSize: number
  /** Waves of `waveSize` lanes that registers and shared memory leave room for. */
  readonly wavesPerSimd: number
  /** Of the loop with the most multiply-adds, loops inside of it passed through once. */
  readonly loop: LoopCounts | undefined
  /** Multiply-adds among the vector operations of that loop. */
  readonly multiplyAddShare: number | undefined
  /** `undefined` for inner products whose machine code is not known. */
  readonly estimate: Estimate | undefined
}

/** All dispatches of a case, one after the other. */
export interface CaseVerdict {
  readonly name: string
  readonly shape: string
  readonly dispatches: readonly Verdict[]
  /** `undefined` where it is not known for all dispatches. */
  readonly microseconds: number | undefined
  /** Of the operation's multiply-adds as it is defined, so that fewer of them give a larger share. */
  readonly share: PeakShare | undefined
}

export function judgeCase(
  chip: Chip,
  { name, shape, multiplyAdds, dispatches }: CompiledCase,
  programs: readonly CompiledProgram[],
  requested: number,
): CaseVerdict {
  const verdicts = dispatches.map((dispatch) => judge(chip, programs[dispatch.program]!, dispatch, requested))
  const microseconds = sum(verdicts.map(({ estimate }) => estimate?.microseconds ?? NaN))
  const known = !Number.isNaN(microseconds)
  return {
    name,
    shape,
    dispatches: verdicts,
    microseconds: known ? microseconds : undefined,
    share: known && multiplyAdds !== undefined ? peakShare(chip, multiplyAdds, microseconds) : undefined,
  }
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
    dispatch,
    statistics,
    waveSize,
    wavesPerSimd,
    loop,
    multiplyAddShare: loop && loop.multiplyAdds / loop.vectorOperations,
    estimate: isInnerProduct(dispatch)
      ? loop && productEstimate(chip, { blocks, loops, path, counts: loop, waveSize, wavesPerSimd }, dispatch)
      : transferEstimate(chip, dispatch),
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
