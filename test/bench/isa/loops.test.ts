import { describe, expect, test } from 'vitest'
import { chipOf } from '../../../bench/isa/chips.js'
import { type Block, type Instruction, parseDisassembly } from '../../../bench/isa/disassembly.js'
import { bytesOf, issueCycles, kindOf, multiplyAddsOf } from '../../../bench/isa/instructions.js'
import { waveSizeOf } from '../../../bench/isa/judge.js'
import { countLoop, findLoops, hottestLoop, instructionsOf } from '../../../bench/isa/loops.js'
import { sample } from './samples.js'

/** `code('v_fmac_f32 v1, v2, v3')` as the compiler would print it. */
const code = (...lines: string[]): Instruction[] =>
  parseDisassembly(`disasm:\nBB0:\n${lines.map((line) => `\t${line} ; 00\n`).join('')}`)[0]!.instructions.slice()
const block = (label: string, ...lines: string[]): Block => ({ label, instructions: code(...lines) })

describe('instructions', () => {
  test.each([
    ['v_fmac_f32_e32 v1, v2, v3', 'vector', 1],
    ['v_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6', 'vector', 2],
    ['v_dual_fmac_f32 v1, v2, v3 :: v_dual_mov_b32 v4, v5', 'vector', 1],
    ['v_pk_fma_f16 v1, v2, v3, v4', 'vector', 2],
    ['v_mac_f32_e32 v1, v2, v3', 'vector', 1],
    ['v_mad_u32_u24 v1, v2, v3, v4', 'vector', 0],
    ['v_add_f32_e32 v1, v2, v3', 'vector', 0],
    ['ds_load_b128 v[1:4], v5', 'shared', 0],
    ['buffer_load_b32 v1, v2, s[0:3], 0 offen', 'memory', 0],
    ['s_buffer_load_dwordx4 s[4:7], s[8:11], 0x0', 'constant', 0],
    ['s_waitcnt lgkmcnt(0)', 'wait', 0],
    ['s_barrier', 'barrier', 0],
    ['s_cbranch_scc1 BB2', 'branch', 0],
    ['s_delay_alu instid0(VALU_DEP_1)', 'hint', 0],
    ['s_cmp_eq_i32 s7, 0', 'scalar', 0],
  ])('%s: %s, %i multiply-adds', (line, kind, multiplyAdds) => {
    const [instruction] = code(line) as [Instruction]
    expect(kindOf(instruction)).toBe(kind)
    expect(multiplyAddsOf(instruction)).toBe(multiplyAdds)
  })

  test.each([
    ['ds_load_b128 v[1:4], v5', 16],
    ['ds_load_2addr_b64 v[1:4], v5 offset1:1', 16],
    ['ds_store_2addr_stride64_b64 v13, v[8:9], v[10:11] offset1:1', 16],
    ['ds_write2st64_b32 v15, v10, v12 offset1:1', 8],
    ['ds_read_u8 v1, v2', 4],
    ['buffer_load_dwordx3 v[0:2], v2, s[0:3], 0 offen', 12],
    ['buffer_load_dword v0, v2, s[0:3], 0 offen', 4],
    ['global_load_b64 v[0:1], v2, s[0:1]', 8],
    ['v_mov_b32 v0, v1', 0],
  ])('%s moves %i bytes', (line, bytes) => {
    expect(bytesOf(code(line)[0]!)).toBe(bytes)
  })

  test.each([
    // navi31 does both halves of 64 lanes at once, for some operations
    ['v_fmac_f32_e32 v1, v2, v3', 'navi31', 64, 1],
    ['v_fmac_f32_e32 v1, v2, v3', 'navi31', 32, 1],
    ['v_add_nc_u32_e32 v1, v2, v3', 'navi31', 64, 2],
    ['v_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6', 'navi31', 32, 1],
    ['v_mul_lo_u32 v1, v2, v3', 'navi31', 32, 4],
    ['v_fmac_f32_e32 v1, v2, v3', 'navi21', 64, 2],
    ['v_lshlrev_b64 v[0:1], v2, v[4:5]', 'navi21', 32, 2],
    ['v_mac_f32_e32 v1, v2, v3', 'vega10', 64, 4],
    ['v_fma_f32 v1, v2, v3, v4', 'vega10', 64, 4],
    ['v_fma_f32 v1, v2, v3, v4', 'polaris10', 64, 16],
    ['v_mul_lo_u32 v1, v2, v3', 'vega10', 64, 16],
  ])('%s on %s in waves of %i: %i clocks', (line, family, waveSize, cycles) => {
    expect(issueCycles(code(line)[0]!, chipOf(family), waveSize)).toBe(cycles)
  })
})

describe('loops', () => {
  test('of the sample: one over the depth, and one inside of it', () => {
    const blocks = parseDisassembly(sample('navi31-wave32'))
    const labels = ({ first, last }: { first: number; last: number }) => [blocks[first]!.label, blocks[last]!.label]
    const loops = findLoops(blocks)
    expect(loops.map(labels)).toEqual([['BB7', 'BB18']])
    expect(loops[0]!.inner.map(labels)).toEqual([['BB11', 'BB14']])
    expect(hottestLoop(blocks, loops).map(labels)).toEqual([
      ['BB11', 'BB14'],
      ['BB7', 'BB18'],
    ])
  })

  test('end with the last block that jumps back', () => {
    const blocks = [
      block('BB0', 'v_mov_b32 v0, 0'),
      block('BB1', 's_cbranch_scc1 BB4'),
      block('BB2', 's_cbranch_scc1 BB1'),
      block('BB3', 's_branch BB1'),
      block('BB4', 's_endpgm'),
    ]
    expect(findLoops(blocks)).toEqual([{ first: 1, last: 3, inner: [] }])
    expect(hottestLoop(blocks, findLoops(blocks))).toEqual([])
  })

  test('are chosen by multiply-adds of their own', () => {
    const blocks = [
      block('BB0', 'v_fmac_f32 v0, v1, v2', 'v_fmac_f32 v3, v1, v2'),
      block('BB1', 'v_fmac_f32 v4, v1, v2', 's_cbranch_scc0 BB1'),
      block('BB2', 's_cbranch_scc0 BB0'),
      block('BB3', 'v_fmac_f32 v5, v1, v2', 's_cbranch_scc0 BB3'),
    ]
    const path = hottestLoop(blocks, findLoops(blocks))
    expect(path.map(({ first, last }) => [first, last])).toEqual([[0, 2]])
  })
})

describe('what a loop consists of', () => {
  test.each([
    // 2 + 2 address operations and 2 clamps of array indices stand beside the 4 multiply-adds
    ['navi31-wave32', { vectorInstructions: 8, vectorOperations: 10 }, 32],
    ['navi21', { vectorInstructions: 10, vectorOperations: 10 }, undefined],
    ['vega10', { vectorInstructions: 10, vectorOperations: 10 }, undefined],
  ] as const)('%s', (name, vectors, waveSize) => {
    const blocks = parseDisassembly(sample(name))
    const [loop] = hottestLoop(blocks, findLoops(blocks))
    expect(countLoop(instructionsOf(blocks, loop!))).toEqual({
      ...vectors,
      multiplyAdds: 4,
      scalarInstructions: 11,
      sharedInstructions: 2,
      sharedBytes: 16,
      memoryInstructions: 0,
      memoryBytes: 0,
      waits: 1,
      barriers: 0,
      accumulators: 4,
    })
    expect(waveSizeOf(blocks)).toBe(waveSize)
  })

  test('sums are counted once, however often the loop is unrolled', () => {
    const unrolled = code(
      'v_fmac_f32 v0, v8, v9',
      'v_fma_f32 v2, v8, v9, v1', // the sum moves to another register
      'v_fmac_f32 v0, v10, v11',
      'v_fma_f32 v1, v10, v11, v2',
    )
    expect(countLoop(unrolled).accumulators).toBe(2)
  })

  test('a register that was written in between is another sum', () => {
    expect(countLoop(code('v_fmac_f32 v0, v8, v9', 'v_mul_f32 v0, v8, v9', 'v_fmac_f32 v0, v8, v9')).accumulators).toBe(
      2,
    )
    expect(countLoop(code('v_fmac_f32 v0, v8, v9', 'v_mov_b32 v1, v0', 'v_fmac_f32 v1, v8, v9')).accumulators).toBe(1)
  })
})
