/** The engine of the commands that compute much: with what was measured on its adapter, as `--tune` says. */
import { createEngine, type Engine } from '../autograd/engine.js'
import type { TuneMode } from '../tuning/tuner.js'

export interface EngineCommandOptions {
  adapter?: string
  tune?: TuneMode
}

/** Opens the engine; what is wrong with the kept times is printed and ends nothing. */
export function openEngine({ adapter, tune }: EngineCommandOptions, seed?: number): Promise<Engine> {
  return createEngine({ adapter, tune, seed, onWarning: (message) => console.error(`daybreak: ${message}`) })
}
