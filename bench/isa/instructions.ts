/** What instructions of AMD GPUs are, and what they cost. */
import { type Chip, issuesTwice, simdLanes } from './chips.js'
import type { Instruction } from './disassembly.js'

export type InstructionKind =
  | 'vector'
  | 'scalar'
  /** Shared memory, "LDS". */
  | 'shared'
  /** Global memory through the vector cache. */
  | 'memory'
  /** Global memory through the scalar cache. */
  | 'constant'
  | 'wait'
  | 'barrier'
  | 'branch'
  /** Takes no time of its own: hints to the hardware. */
  | 'hint'

export function kindOf({ opcode }: Instruction): InstructionKind {
  if (opcode.startsWith('v_')) return 'vector'
  if (opcode.startsWith('ds_')) return 'shared'
  if (/^(buffer|global|flat|scratch|image|tbuffer)_/.test(opcode)) return 'memory'
  if (/^s_(buffer_)?load_/.test(opcode)) return 'constant'
  if (/^s_wait(cnt|_)/.test(opcode)) return 'wait'
  if (opcode.startsWith('s_barrier')) return 'barrier'
  if (/^s_c?branch/.test(opcode)) return 'branch'
  if (/^s_(delay_alu|clause|nop|set_inst_prefetch|sendmsg|code_end|endpgm|inst_prefetch)/.test(opcode)) return 'hint'
  return 'scalar'
}

const multiplyAdd = /^v_(dual_)?(fma|fmac|mac|mad|fmaak|fmamk|madak|madmk|fma_mix|mad_mix)(_legacy)?_f(16|32)$/

/** Whether this operation, without the one paired with it, is a floating-point multiply-add. */
export function isMultiplyAdd({ opcode }: Instruction): boolean {
  return multiplyAdd.test(opcode)
}

/** The multiply-adds of one lane. */
export function multiplyAddsOf(instruction: Instruction): number {
  const own = isMultiplyAdd(instruction) ? 1 : /^v_pk_fma_f(16|32)$/.test(instruction.opcode) ? 2 : 0
  return own + (instruction.paired ? multiplyAddsOf(instruction.paired) : 0)
}

/** The vector operations of one lane: two for a dual instruction. */
export function vectorOperationsOf(instruction: Instruction): number {
  return kindOf(instruction) === 'vector' ? (instruction.paired ? 2 : 1) : 0
}

/** The bytes that one lane moves to or from memory; 0 for other instructions. */
export function bytesOf(instruction: Instruction): number {
  const kind = kindOf(instruction)
  if (kind !== 'shared' && kind !== 'memory') return 0
  const { opcode } = instruction
  const times = /^ds_(load_2addr|store_2addr|read2|write2)/.test(opcode) ? 2 : 1
  const bits = /_[bui](8|16|32|64|96|128)\b/.exec(opcode)?.[1]
  if (bits !== undefined) return times * Math.max(4, Number(bits) / 8)
  return 4 * Number(/dwordx([234])/.exec(opcode)?.[1] ?? 1)
}

/** A quarter as fast as an addition: whole products of integers. */
const quarterRate = /^v_(mul_lo_[ui]32|mul_hi_[ui]32|mad_[ui]64_[ui]32)/
/** Units of their own compute these a quarter as fast; on RDNA other instructions go on meanwhile. */
const transcendental = /^v_(rcp|rsq|sqrt|exp|log|sin|cos)_/
const halfRate = /^v_(lshlrev|lshrrev|ashrrev|add|cmp_\w+|cmpx_\w+)_[bui]64$/
/** What RDNA 3 does for both halves of a wave of 64 lanes at once. */
const bothHalves =
  /^v_(fma|fmac|fmaak|fmamk|mul|add|sub|subrev|max|min|mov|cndmask)(_legacy)?_(f32|f16|b32|b16|dx9_zero_f32)$/

/** The clocks for which a vector instruction of one wave keeps its SIMD busy. */
export function issueCycles(instruction: Instruction, chip: Chip, waveSize: number): number {
  const { opcode } = instruction
  const passes = waveSize / simdLanes(chip)
  if (quarterRate.test(opcode)) return 4 * passes
  if (chip.generation === 'gcn') {
    const slow = transcendental.test(opcode) || (!chip.fastFma && opcode === 'v_fma_f32')
    return slow ? 4 * passes : passes
  }
  if (halfRate.test(opcode)) return 2 * passes
  return issuesTwice(chip) && bothHalves.test(opcode) ? Math.max(1, passes / 2) : passes
}
