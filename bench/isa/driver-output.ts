/** What RADV prints on stderr with RADV_DEBUG=shaderstats,asm: statistics and the disassembly of each program. */
import { type Block, parseDisassembly } from './disassembly.js'

export const beginMark = (program: number) => `=== begin program ${program}`
export const endMark = (program: number) => `=== end program ${program}`

/** The compiler's statistics, in its own units: registers, bytes, cycles. */
export interface Statistics {
  readonly vgprs: number
  readonly sgprs: number
  readonly spilledVgprs: number
  readonly spilledSgprs: number
  readonly codeBytes: number
  readonly ldsBytes: number
  readonly scratchBytes: number
  /** As the compiler counts them: of 32 lanes on RDNA, whatever the wave's size. */
  readonly wavesPerSimd: number
  readonly instructions: number
  /** The estimated cycles of one wave alone. */
  readonly latency: number
  /** The estimated cycles that a wave keeps the busiest unit from others. */
  readonly inverseThroughput: number
}

const statisticNames: Readonly<Record<keyof Statistics, string>> = {
  vgprs: 'VGPRs',
  sgprs: 'SGPRs',
  spilledVgprs: 'Spilled VGPRs',
  spilledSgprs: 'Spilled SGPRs',
  codeBytes: 'Code size',
  ldsBytes: 'LDS size',
  scratchBytes: 'Scratch size',
  wavesPerSimd: 'Subgroups per SIMD',
  instructions: 'Instructions',
  latency: 'Latency',
  inverseThroughput: 'Inverse Throughput',
}

export interface CompiledProgram {
  readonly statistics: Statistics
  /** Empty where the driver's disassembler does not know the GPU. */
  readonly blocks: readonly Block[]
}

/** The parts of the output that belong to each program, by its number. Throws an `Error` where a mark is missing. */
export function splitOutput(output: string, programs: number): string[] {
  return Array.from({ length: programs }, (_, i) => {
    const begin = output.indexOf(`${beginMark(i)}\n`)
    const end = output.indexOf(`${endMark(i)}\n`)
    if (begin < 0 || end < begin) throw new Error(`the output of program ${i} is missing:\n${output.slice(-2000)}`)
    return output.slice(begin + beginMark(i).length + 1, end)
  })
}

/** Throws an `Error` where there is no such output, which happens when the driver takes a program from a cache. */
export function parseProgram(output: string): CompiledProgram {
  return { statistics: parseStatistics(output), blocks: parseDisassembly(output) }
}

export function parseStatistics(output: string): Statistics {
  const values = new Map([...output.matchAll(/^([A-Z][\w -]*): (\d+)$/gm)].map(([, name, value]) => [name, value]))
  const entries = Object.entries(statisticNames).map(([key, name]) => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`the compiler's statistics have no "${name}":\n${output.slice(0, 2000)}`)
    return [key, Number(value)]
  })
  return Object.fromEntries(entries) as Statistics
}
