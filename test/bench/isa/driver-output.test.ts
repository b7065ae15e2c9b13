import { describe, expect, test } from 'vitest'
import { parseDisassembly } from '../../../bench/isa/disassembly.js'
import { beginMark, endMark, parseProgram, parseStatistics, splitOutput } from '../../../bench/isa/driver-output.js'
import { kindOf } from '../../../bench/isa/instructions.js'
import { sample } from './samples.js'

describe('statistics', () => {
  test('are read by their names', () => {
    expect(parseStatistics(sample('navi31-wave32'))).toEqual({
      vgprs: 24,
      sgprs: 128,
      spilledVgprs: 0,
      spilledSgprs: 0,
      codeBytes: 576,
      ldsBytes: 1024,
      scratchBytes: 0,
      wavesPerSimd: 16,
      instructions: 107,
      latency: 5523,
      inverseThroughput: 844,
    })
  })

  test('that are missing are named', () => {
    const cut = sample('navi21').replace(/^Latency: .*$/m, '')
    expect(() => parseProgram(cut)).toThrow('"Latency"')
    expect(() => parseProgram('')).toThrow('"VGPRs"')
  })
})

describe('disassembly', () => {
  test('consists of labelled blocks, without encodings and machine code', () => {
    const blocks = parseDisassembly(sample('navi31-wave32'))
    expect(blocks.map(({ label }) => label)).toEqual(
      ['BB0', 'BB1', 'BB6', 'BB7', 'BB10', 'BB11', 'BB14', 'BB15', 'BB18', 'BB19'], // as the compiler numbers them
    )
    const { instructions } = blocks[5]!
    expect(instructions.map(({ opcode }) => opcode)).toEqual([
      's_cmp_eq_i32',
      's_delay_alu',
      's_mov_b32',
      's_cmp_ge_u32',
      's_or_b32',
      's_cbranch_scc1',
    ])
    expect(instructions.at(-1)!.operands).toEqual(['BB15'])
    expect(blocks[6]!.instructions[0]).toEqual({ opcode: 'v_add_nc_u32', operands: ['v8', 's10', 'v12'] })
  })

  test('joins the two operations of a dual instruction', () => {
    const [, { instructions }] = parseDisassembly(sample('navi31-wave32')) as [unknown, { instructions: unknown[] }]
    expect(instructions[0]).toEqual({
      opcode: 'v_dual_mov_b32',
      operands: ['v5', '0'],
      paired: { opcode: 'v_dual_mov_b32', operands: ['v4', '0'] },
    })
  })

  test.each(['navi31-wave32', 'navi21', 'vega10'] as const)(
    'has as many instructions as the compiler counts, %s',
    (name) => {
      const instructions = parseDisassembly(sample(name)).flatMap((block) => block.instructions)
      const counted = (counter: string) => Number(new RegExp(`^${counter}: (\\d+)$`, 'm').exec(sample(name))![1])
      const ofKind = (kind: string) => instructions.filter((instruction) => kindOf(instruction) === kind).length
      expect(ofKind('vector')).toBe(counted('VALU'))
      expect(ofKind('memory')).toBe(counted('VMEM'))
      expect(ofKind('constant')).toBe(counted('SMEM'))
      expect(instructions.filter(({ paired }) => paired)).toHaveLength(counted('VOPD'))
    },
  )

  test('is empty where the driver has none for the GPU', () => {
    const other =
      'disasm:\nShader disassembly is not supported in the current configuration\nBB0\n\tv1: %0 = s_mov_b32 1\n'
    expect(parseDisassembly(other)).toEqual([])
  })
})

describe('the output of several programs', () => {
  const output = `noise\n${beginMark(0)}\nfirst\n${endMark(0)}\n${beginMark(1)}\nsecond\n${endMark(1)}\n`

  test('is cut at its marks', () => {
    expect(splitOutput(output, 2)).toEqual(['first\n', 'second\n'])
    expect(splitOutput(output, 0)).toEqual([])
  })

  test('must have all marks', () => {
    expect(() => splitOutput(output, 3)).toThrow('program 2')
    expect(() => splitOutput(output.replace(endMark(0), ''), 2)).toThrow('program 0')
  })
})
