/** Blocks and instructions in the disassembly that RADV prints, in LLVM's syntax for AMD GPUs. */

export interface Instruction {
  /** Without the encoding that some assemblers append: `v_fmac_f32`, not `v_fmac_f32_e32`. */
  readonly opcode: string
  /** Registers, constants and modifiers, as they are written: `v1`, `s[4:7]`, `vmcnt(0)`. */
  readonly operands: readonly string[]
  /** The second operation of a dual instruction (VOPD), which takes no issue slot of its own. */
  readonly paired?: Instruction
}

/** A piece of code with one entry, in the order of the code. */
export interface Block {
  readonly label: string
  readonly instructions: readonly Instruction[]
}

/** The blocks of the one program in the driver's output; none where it printed something else than machine code. */
export function parseDisassembly(output: string): Block[] {
  const blocks: { label: string; instructions: Instruction[] }[] = []
  if (output.includes('disassembly is not supported')) return []
  for (const line of output.slice(Math.max(0, output.indexOf('disasm:'))).split('\n')) {
    const label = /^(BB\d+):/.exec(line)?.[1]
    if (label !== undefined) blocks.push({ label, instructions: [] })
    const code = /^\t([a-z].*?)\s*;/.exec(line)?.[1]
    if (code !== undefined) blocks.at(-1)?.instructions.push(parseInstruction(code))
  }
  return blocks
}

function parseInstruction(code: string): Instruction {
  const [first = '', second] = code.split(' :: ')
  const instruction = parseOperation(first)
  return second === undefined ? instruction : { ...instruction, paired: parseOperation(second) }
}

function parseOperation(code: string): Instruction {
  const [, opcode = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(code.trim()) ?? []
  return {
    opcode: opcode.replace(/_e(32|64|64_dpp|32_dpp)$/, ''),
    operands: rest.split(/,\s*|\s+(?![^[]*\])/).filter(Boolean),
  }
}
