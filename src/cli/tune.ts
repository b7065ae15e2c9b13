/** `daybreak tune`: measures which kernels are the fastest for a network on this adapter. */
import { readFile } from 'node:fs/promises'
import Table from 'cli-table3'
import { atomicWrite } from '../device/node/atomic-write.js'
import { OptionError } from '../device/errors.js'
import { createModel, inputChannelsOf } from '../models/index.js'
import { type StepMode, type TunedProblem, tuneStep, type TuningReport } from '../training/index.js'
import { formatShipped, mergeShipped, parseShipped, shippedFrom } from '../tuning/shipped.js'
import { methodName, problemName } from '../tuning/tunable.js'
import { openEngine } from './engine.js'
import { withInterrupt } from './interrupt.js'
import { prepareFolder } from './output.js'
import { describeAdapter } from './recipe.js'
import { TuningDisplay } from './tuning-display.js'

export interface TuneCommandOptions {
  model: string
  numClasses?: number
  batchSize: number
  imageSize?: number
  mode: StepMode
  freezeUntil?: string
  fuse?: boolean
  again?: boolean
  export?: string
  json?: boolean
  adapter?: string
}

export async function tuneCommand(options: TuneCommandOptions): Promise<void> {
  const { mode, fuse = false, again, numClasses } = options
  if (fuse && mode === 'training') throw new OptionError('--fuse', '--mode forward: a fused network cannot train', mode)
  const channels = inputChannelsOf(options.model) // an unknown name is an error before anything is opened
  const shipped = options.export === undefined ? [] : await readShipped(options.export)
  const engine = await openEngine({ adapter: options.adapter, tune: 'cached' })
  const display = new TuningDisplay()
  try {
    const created = await createModel(engine, options.model, { numClasses })
    if (options.freezeUntil !== undefined) created.freeze({ until: options.freezeUntil })
    const model = fuse ? created.fuse() : created
    if (fuse) created.dispose()
    const side = options.imageSize ?? (channels === 1 ? 28 : 224)
    const inputShape = [options.batchSize, side, side, channels]
    const what = `${options.model}${fuse ? ', fused' : ''}: ${mode === 'training' ? 'training and evaluation' : 'inference'}`
    const report = await withInterrupt(async (signal) => {
      if (!options.json) console.log(`${what}, images ${inputShape.join('x')}\nadapter  ${describeAdapter(engine)}`)
      return tuneStep(model, { inputShape, mode, again, signal, onProgress: display.update })
    }, 'this problem').finally(() => display.stop())
    if (options.json) console.log(JSON.stringify(jsonOf(options, inputShape, engine.device.adapter, report)))
    else print(report)
    if (options.export !== undefined) {
      await atomicWrite(options.export, formatShipped(mergeShipped(shipped, shippedFrom(report.problems))))
      if (!options.json) console.log(`export   ${options.export}`)
    }
  } finally {
    engine.destroy()
  }
}

/** What the file holds that the export goes to, if there is one; finds out whether it can be written. */
async function readShipped(file: string) {
  await prepareFolder('--export', file)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new OptionError('--export', `a file that can be read, or none yet (${message})`, file)
  })
  return text === undefined ? [] : parseShipped(text, file)
}

/** What `--json` prints; all times in milliseconds. */
function jsonOf(
  { model, fuse = false, mode }: TuneCommandOptions,
  inputShape: readonly number[],
  { name, driver }: { readonly name: string; readonly driver: string },
  { problems, interrupted, place }: TuningReport,
) {
  const withReasons = problems.map(({ refused, ...problem }) => ({
    ...problem,
    refused: refused.map(({ method, error }) => ({ method, reason: error.message })),
  }))
  return { model, fused: fuse, mode, inputShape, adapter: name, driver, interrupted, place, problems: withReasons }
}

function print({ problems, interrupted, place }: TuningReport): void {
  const measured = problems.filter(({ milliseconds }) => milliseconds !== undefined)
  if (measured.length > 0) console.log(tableOf(measured))
  for (const problem of problems) {
    for (const { method, error } of problem.refused) {
      console.log(`refused  ${problemName(problem)}, ${methodName(method)}: ${error.message.split('\n')[0]!}`)
    }
  }
  const fresh = problems.filter((problem) => problem.fresh).length
  console.log(`measured ${fresh} of ${problems.length} problems; ${measured.length - fresh} were known`)
  if (place !== undefined) console.log(`times    ${place}`)
  if (interrupted) console.log('stopped; the same command goes on')
}

function tableOf(problems: readonly TunedProblem[]): string {
  const head = ['problem', 'method', 'ms', 'GFLOP/s', 'without tuning', 'ms', 'faster']
  const table = new Table({
    head,
    colAligns: ['left', 'left', 'right', 'right', 'left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const problem of problems) {
    const { operations, method, milliseconds, usual, usualMilliseconds } = problem
    const isKnown = milliseconds !== undefined && usualMilliseconds !== undefined
    table.push([
      problemName(problem),
      methodName(method),
      milliseconds === undefined ? '-' : milliseconds.toFixed(3),
      milliseconds === undefined ? '-' : (operations / milliseconds / 1e6).toFixed(1),
      methodName(usual),
      usualMilliseconds === undefined ? '-' : usualMilliseconds.toFixed(3),
      isKnown ? `${(usualMilliseconds / milliseconds).toFixed(2)} x` : '-',
    ])
  }
  return table.toString()
}
