/**
 * `npm run bench:isa`: what Mesa's compiler for AMD GPUs makes of the kernels, on a machine without such a GPU, and how
 * fast they would be. Asserts nothing.
 *
 *   npm run bench:isa -- [--family NAME]... [--case NAME]... [--variant NAME] [--wave 32|64]
 *                        [--brief] [--markdown | --json] [--asm FOLDER]
 *
 * The engine opens on a GPU that the driver pretends, chooses its kernels for it, and every program that the cases use is
 * compiled. Cases are those of bench/matmul.ts and bench/conv2d.ts; `--variant direct` computes all convolutions directly
 * instead of as the tuner chooses. `--wave` sets the lanes of a wave on RDNA GPUs: Dawn
 * asks Vulkan drivers for 64, other drivers choose. `--asm` keeps the driver's output for each program.
 * docs/performance.md explains the figures. Needs a C compiler, and RADV_LIB or a lavapipe of the same Mesa.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { conv2dVariants } from '../../src/kernels/conv2d/variants.js'
import { casesNamed, defaultCases } from './cases.js'
import { type Chip, chipOf } from './chips.js'
import { buildNullQueue, compilerEnvironment, findDriver, SetupError } from './driver.js'
import { parseProgram, splitOutput } from './driver-output.js'
import { type CaseVerdict, judgeCase } from './judge.js'
import type { CompiledCases, CompiledDispatch, CompileRequest } from './protocol.js'
import { jsonOf, markdownOf, tableOf } from './report.js'

const defaultFamilies = ['navi31', 'navi21']

/** What Dawn asks Vulkan drivers for where they leave a choice between 32 and 64 lanes. */
const dawnsWaveSize = 64

try {
  const { values: options } = parseArgs({
    options: {
      family: { type: 'string', multiple: true, default: defaultFamilies },
      case: { type: 'string', multiple: true, default: defaultCases },
      variant: { type: 'string' },
      wave: { type: 'string' },
      brief: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      asm: { type: 'string' },
    },
  })
  if (options.wave !== undefined && options.wave !== '32' && options.wave !== '64') {
    throw new Error(`--wave is "${options.wave}"; a wave has 32 or 64 lanes`)
  }
  const variant = conv2dVariants.find((name) => name === options.variant)
  if (options.variant !== undefined && !variant) {
    throw new Error(`--variant is "${options.variant}"; there are ${conv2dVariants.join(', ')}`)
  }
  const chips = options.family.map(chipOf)
  casesNamed(options.case) // throws before anything is compiled
  const driver = findDriver(process.env)
  const manifest = buildNullQueue(projectFolder())
  for (const chip of chips) {
    const waveSize = options.wave === undefined ? undefined : Number(options.wave)
    const environment = compilerEnvironment(process.env, { manifest, driver, family: chip.family, waveSize })
    const { compiled, outputs } = compileCases(chip, environment, { cases: options.case, variant })
    if (options.asm !== undefined) keepOutputs(options.asm, chip, compiled, outputs)
    const programs = outputs.map(parseProgram)
    const verdicts = compiled.cases.map((one) => judgeCase(chip, one, programs, waveSize ?? dawnsWaveSize))
    print(chip, compiled, verdicts, options)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

/** The folder of package.json, from wherever this module was built to. */
function projectFolder(): string {
  let folder = import.meta.dirname
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder)
  return folder
}

/** Compiles in a process of its own, because its environment decides what Dawn finds. Throws what went wrong there. */
function compileCases(chip: Chip, environment: NodeJS.ProcessEnv, request: CompileRequest) {
  const script = path.join(import.meta.dirname, 'compile.js')
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [script, JSON.stringify(request)], {
    env: environment,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  })
  if (status !== 0) {
    throw new SetupError(
      `nothing could be compiled for ${chip.family} (${signal ?? `exit code ${status}`}); the driver must be Mesa 22 to 25 ` +
        `with this family in it. It said:\n${stderr.slice(-3000)}`,
    )
  }
  const compiled = JSON.parse(stdout) as CompiledCases
  const programs = Math.max(...dispatchesOf(compiled).map(({ program }) => program)) + 1
  return { compiled, outputs: splitOutput(stderr, programs) }
}

function dispatchesOf({ cases }: CompiledCases): CompiledDispatch[] {
  return cases.flatMap(({ dispatches }) => dispatches)
}

function print(
  { family, card }: Chip,
  { driver }: CompiledCases,
  verdicts: readonly CaseVerdict[],
  { json, markdown, brief }: { json: boolean; markdown: boolean; brief: boolean },
): void {
  if (json) for (const verdict of verdicts) console.log(jsonOf(family, verdict))
  else console.log(`${family} (${card}), ${driver}\n\n${(markdown ? markdownOf : tableOf)(verdicts, brief)}\n`)
}

function keepOutputs(folder: string, { family }: Chip, compiled: CompiledCases, outputs: readonly string[]): void {
  mkdirSync(folder, { recursive: true })
  for (const [i, output] of outputs.entries()) {
    const { kernel, template } = dispatchesOf(compiled).find(({ program }) => program === i)!
    const name = `${family}-${i}-${kernel.replaceAll('/', '-')}.txt`
    writeFileSync(path.join(folder, name), `${kernel} ${JSON.stringify(template)}\n${output}`)
  }
}
