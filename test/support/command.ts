/** Runs the `daybreak` command in a process of its own, as a user does. */
import { bundle, type NodeResult, type ProcessOptions, runProgram } from './child-process.js'

/** Lines of progress come every so many seconds, and Dawn warns about some drivers: neither is the same on every machine. */
const incidental =
  /^((epoch|validation) .* left|Warning: maxDynamic.*|Warning: Vulkan shaderUniform.*\n - While .*\n +at .*\n)\n/gm

/** Runs `daybreak` with the given words and waits for its end; `stderr` is without what is incidental. */
export async function daybreak(words: readonly string[], options: ProcessOptions = {}): Promise<NodeResult> {
  const result = await runProgram(process.execPath, [await bundle('src/cli/main.ts'), ...words], options)
  return { ...result, stderr: result.stderr.replace(incidental, '') }
}

/** What a user may have to read when something is wrong: one message, no trace, and nothing among the results. */
export function complaint({ status, stdout, stderr }: NodeResult): string {
  if (status !== 1) throw new Error(`the exit code is ${status}:\n${stdout}\n${stderr}`)
  if (/^\s+at /m.test(stderr)) throw new Error(`a stack trace for users:\n${stderr}`)
  return stderr
}
