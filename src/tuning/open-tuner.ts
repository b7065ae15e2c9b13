/** Makes the tuner of an engine: with which tables, from where. */
import type { Device } from '../device/device.js'
import { OptionError } from '../device/errors.js'
import { adapterClass } from './adapter-class.js'
import { KeptTimes, type Warn } from './kept-times.js'
import { shippedProblems } from './shipped.js'
import { fileStore, type TuningStore } from './store.js'
import { type TuneMode, tuneModes, Tuner } from './tuner.js'

export interface TuneOptions {
  /**
   * `off`, `cached` or `full`: whether methods are chosen by what was measured on this adapter earlier, and whether training
   * measures first what is missing. By default DAYBREAK_TUNE says it in Node, else `cached`.
   */
  readonly tune?: TuneMode | undefined
  /** Where measured times are kept. By default files in the cache folder in Node, and nothing is kept elsewhere. */
  readonly tuningStore?: TuningStore | undefined
  /** Told what is wrong with the kept times; by default Node prints it as a warning of the process. */
  readonly onWarning?: Warn | undefined
}

/**
 * A tuner whose tables are complete: no choice changes later, unless somebody measures.
 *
 * @throws OptionError for another mode than the three
 */
export async function openTuner(device: Device, options: TuneOptions = {}): Promise<Tuner> {
  const inNode = device.adapter.source !== 'given'
  const mode = checkedMode('tune', options.tune) ?? (inNode ? await modeOfEnvironment() : undefined) ?? 'cached'
  const shipped = shippedProblems(adapterClass(device.adapter))
  if (mode === 'off') return new Tuner(device, mode, { shipped })
  const store = options.tuningStore ?? (inNode ? await fileStore() : undefined)
  const kept = store && (await KeptTimes.open(device, store, options.onWarning ?? warnProcess))
  return new Tuner(device, mode, { shipped, measured: await kept?.read(), kept })
}

async function modeOfEnvironment(): Promise<TuneMode | undefined> {
  const { environmentVariable } = await import('../device/node/environment.js')
  return checkedMode('DAYBREAK_TUNE', environmentVariable('DAYBREAK_TUNE'))
}

function checkedMode(option: string, given: string | undefined): TuneMode | undefined {
  const mode = tuneModes.find((known) => known === given)
  if (given !== undefined && !mode) throw new OptionError(option, tuneModes.join(', '), given)
  return mode
}

function warnProcess(message: string): void {
  const { process } = globalThis as { process?: Partial<Pick<NodeJS.Process, 'emitWarning'>> }
  process?.emitWarning?.(message, 'DaybreakWarning')
}
