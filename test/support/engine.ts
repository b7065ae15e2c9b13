/** One engine per test file, on the adapter that DAYBREAK_ADAPTER names or the default one. */
import { afterAll, beforeAll } from 'vitest'
import { createEngine, type Engine, type EngineOptions } from '../../src/autograd/engine.js'

/** Opens an engine before the tests of the calling file and destroys it after them. Read `engine` inside tests only. */
export function useEngine(options?: EngineOptions): { readonly engine: Engine } {
  const holder = {} as { engine: Engine }
  beforeAll(async () => {
    holder.engine = await createEngine(options)
  })
  afterAll(() => {
    holder.engine.destroy()
  })
  return holder
}

/** An adapter on which little fits: small workgroups, 64 KiB bindings and short grids, so that everything is cut up. */
export const tinyLimits = {
  maxStorageBufferBindingSize: 2 ** 16,
  maxComputeInvocationsPerWorkgroup: 64,
  maxComputeWorkgroupsPerDimension: 64,
} as const
