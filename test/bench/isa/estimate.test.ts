/** Estimates of programs that are simple enough to work out by hand, on navi21: 40 processors of 4 SIMDs of 32 lanes. */
import { describe, expect, test } from 'vitest'
import { chipOf, peakOf } from '../../../bench/isa/chips.js'
import type { CompiledProgram, Statistics } from '../../../bench/isa/driver-output.js'
import { parseDisassembly } from '../../../bench/isa/disassembly.js'
import { judge, judgeCase } from '../../../bench/isa/judge.js'
import type { CompiledDispatch } from '../../../bench/isa/protocol.js'

const statistics: Statistics = {
  vgprs: 0,
  sgprs: 0,
  spilledVgprs: 0,
  spilledSgprs: 0,
  codeBytes: 0,
  ldsBytes: 0,
  scratchBytes: 0,
  wavesPerSimd: 16,
  instructions: 0,
  latency: 0,
  inverseThroughput: 0,
}

/** A program whose only block with multiply-adds is a loop; `exec_lo` shows that its waves have 32 lanes. */
function program(...loop: string[]): CompiledProgram {
  const lines = ['BB0:', '\ts_mov_b32 exec_lo, -1 ;', 'BB1:', ...loop.map((line) => `\t${line} ;`), '\ts_branch BB1 ;']
  return { statistics, blocks: parseDisassembly(`disasm:\n${lines.join('\n')}`) }
}

const sums = (count: number) => Array.from({ length: count }, (_, i) => `v_fmac_f32 v${i + 10}, v0, v1`)

/** 1024 results in each of `workgroups` workgroups of 256 invocations, of a depth of 1000. */
function dispatch(workgroups: number, changes: Partial<CompiledDispatch> = {}): CompiledDispatch {
  return {
    kernel: 'matmul/matmul',
    template: {},
    program: 0,
    workgroups,
    invocations: 256,
    multiplyAdds: workgroups * 1024 * 1000,
    bytes: 0,
    uniforms: { depthPerSplit: 1000, segmentLength: 1000 },
    ...changes,
  }
}

const navi21 = chipOf('navi21')

function estimated(compiled: CompiledProgram, work: CompiledDispatch, chip = navi21) {
  const { bound, microseconds, product } = judge(chip, compiled, work, 64).estimate!
  const { share, occupied, useful } = product!
  return { bound, microseconds, share: share.full, singleIssueShare: share.single, occupied, useful }
}

describe('the estimate', () => {
  test('is the peak where nothing but multiply-adds is issued', () => {
    const { share, bound, occupied, useful, microseconds } = estimated(program(...sums(4)), dispatch(400))
    expect(share).toBeCloseTo(1, 3)
    expect({ bound, occupied, useful }).toEqual({ bound: 'vector', occupied: 1, useful: 1 })
    // 10 workgroups of 8 waves on 4 SIMDs, 4 clocks for each step of the depth
    expect(microseconds).toBeCloseTo((20 * 4 * 1000) / 2.25 / 1000, 3)
  })

  test('counts the vector instructions beside them', () => {
    const { share } = estimated(program(...sums(4), 'v_add_nc_u32 v2, v3, v4'), dispatch(400))
    expect(share).toBeCloseTo(4 / 5, 3)
    const slow = estimated(program(...sums(4), 'v_mul_lo_u32 v2, v3, v4'), dispatch(400))
    expect(slow.share).toBeCloseTo(4 / 8, 3)
  })

  test('counts what the last workgroups leave idle', () => {
    const { share, occupied } = estimated(program(...sums(4)), dispatch(401))
    expect(occupied).toBeCloseTo(401 / 440, 6)
    expect(share).toBeCloseTo(401 / 440, 3)
  })

  test('counts SIMDs that have fewer waves than others', () => {
    // six workgroups of a wave each on four SIMDs: two of them have two waves
    const { share, occupied } = estimated(
      program(...sums(4)),
      dispatch(240, { invocations: 32, multiplyAdds: 240 * 128 * 1000 }),
    )
    expect(occupied).toBeCloseTo(6 / 8, 6)
    expect(share).toBeCloseTo(6 / 8, 3)
  })

  test('counts results beyond the edges', () => {
    const { share, useful } = estimated(program(...sums(4)), dispatch(400, { multiplyAdds: 400 * 512 * 1000 }))
    expect(useful).toBe(0.5)
    expect(share).toBeCloseTo(0.5, 3)
  })

  test('is bound by shared memory where that is slower', () => {
    // in four steps of the depth a processor's 8 waves read 8 * 4 * 32 * 32 bytes, at 256 a clock: 128 clocks; the
    // multiply-adds take 8 / 4 * 16 = 32
    const loads = ['ds_load_b128 v[4:7], v2', 'ds_load_b128 v[4:7], v3']
    const step = [...sums(4), ...loads]
    const { share, bound } = estimated(program(...step, ...step, ...step, ...step), dispatch(400))
    expect(bound).toBe('shared memory')
    expect(share).toBeCloseTo(32 / 128, 3)
  })

  test('is bound by the latency of loads that nothing hides', () => {
    const loop = program('buffer_load_b32 v2, v3, s[0:3], 0 offen', 's_waitcnt vmcnt(0)', ...sums(4))
    const small = estimated(loop, dispatch(40))
    expect(small.bound).toBe('latency')
    // a pass: the branch, the load with its transfer of 128 bytes at 256 a clock, 320 clocks, 4 multiply-adds
    expect(small.microseconds).toBeCloseTo((1000 * (1 + 1 + 0.5 + 320 + 4)) / 2.25 / 1000, 0)
    // ten workgroups of which eight run beside each other (16 waves a SIMD)
    const large = estimated(loop, dispatch(400))
    expect(large.microseconds / small.microseconds).toBeCloseTo(10 / 8, 3)
  })

  test('is not bound by loads that are issued long before they are waited for', () => {
    const ahead = [...sums(400), 's_waitcnt vmcnt(0)', 'buffer_load_b32 v2, v3, s[0:3], 0 offen']
    const { bound, share } = estimated(program(...ahead), dispatch(40, { multiplyAdds: 40 * 400 * 256 * 1000 }))
    expect(bound).toBe('vector')
    expect(share).toBeGreaterThan(0.99)
  })

  test('is bound by the memory that holds the operands', () => {
    const { bound, microseconds } = estimated(program(...sums(4)), dispatch(400, { bytes: 512e6 }))
    expect(bound).toBe('memory')
    expect(microseconds).toBeCloseTo(1000, 6)
  })

  test('passes through an unrolled loop less often', () => {
    const { share } = estimated(program(...sums(4), ...sums(4), 'v_add_nc_u32 v2, v3, v4'), dispatch(400))
    expect(share).toBeCloseTo(8 / 9, 3)
  })

  test('passes through the loop over a tile as often as the tile is deep', () => {
    const lines = [
      'BB0:',
      '\tv_mul_lo_u32 v2, v3, exec_lo ;',
      'BB1:',
      ...sums(4).map((line) => `\t${line} ;`),
      '\ts_cbranch_scc0 BB1 ;',
      'BB2:',
      '\ts_cbranch_scc0 BB0 ;',
    ]
    const nested = { statistics, blocks: parseDisassembly(`disasm:\n${lines.join('\n')}`) }
    const { share } = estimated(nested, dispatch(400, { template: { tileDepth: 8 } }))
    expect(share).toBeCloseTo((8 * 4) / (8 * 4 + 4), 3)
  })

  test('counts two operations at once in the peak of chips that can do them', () => {
    const navi31 = chipOf('navi31')
    expect(peakOf(navi31)).toEqual({ full: 48 * 4 * 64, single: 48 * 4 * 32 })
    const { share, singleIssueShare } = estimated(program(...sums(4)), dispatch(480), navi31)
    expect(singleIssueShare).toBeCloseTo(1, 3)
    expect(share).toBeCloseTo(0.5, 3)
  })

  test('is the transfer of the operands for kernels that are no inner products', () => {
    const work = dispatch(1, { uniforms: {}, bytes: 512e3 })
    expect(judge(navi21, program(...sums(4)), work, 64).estimate).toEqual({ bound: 'memory', microseconds: 1 })
  })

  test('is not there for inner products whose code is not known', () => {
    const { estimate, loop } = judge(navi21, { statistics, blocks: [] }, dispatch(1), 64)
    expect([estimate, loop]).toEqual([undefined, undefined])
  })
})

describe('a case', () => {
  const one = { name: 'case', shape: '', multiplyAdds: 400 * 1024 * 1000 }
  const product = dispatch(400)
  const other = dispatch(1, { program: 1, uniforms: {}, bytes: 512e4 })

  test('takes the time of all of its dispatches', () => {
    const programs = [program(...sums(4)), program('v_mov_b32 v1, v2')]
    const { dispatches, microseconds, share } = judgeCase(
      navi21,
      { ...one, dispatches: [product, other] },
      programs,
      64,
    )
    const [first, second] = dispatches.map(({ estimate }) => estimate!.microseconds)
    expect(second).toBe(10)
    expect(microseconds).toBe(first! + 10)
    expect(share!.full).toBeCloseTo(first! / (first! + 10), 3)
  })

  test('has no time where that of a dispatch is not known', () => {
    const programs = [{ statistics, blocks: [] }, program('v_mov_b32 v1, v2')]
    const verdict = judgeCase(navi21, { ...one, dispatches: [product, other] }, programs, 64)
    expect([verdict.microseconds, verdict.share]).toEqual([undefined, undefined])
  })
})

test('waves are counted in the size that they have', () => {
  const wide = { statistics, blocks: parseDisassembly('disasm:\nBB0:\n\ts_mov_b64 exec, -1 ;\n') }
  const unknown = { statistics, blocks: [] }
  expect(judge(navi21, program(), dispatch(1), 64)).toMatchObject({ waveSize: 32, wavesPerSimd: 16 })
  expect(judge(navi21, wide, dispatch(1), 32)).toMatchObject({ waveSize: 64, wavesPerSimd: 8 })
  expect(judge(navi21, unknown, dispatch(1), 32)).toMatchObject({ waveSize: 32, wavesPerSimd: 16 })
  expect(judge(chipOf('vega10'), unknown, dispatch(1), 32)).toMatchObject({ waveSize: 64, wavesPerSimd: 16 })
})

test('unknown families are named with those that are known', () => {
  expect(() => chipOf('voodoo2')).toThrow(/"voodoo2".*navi31 \(RX 7900 XTX\)/)
})
