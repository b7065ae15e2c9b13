/**
 * Engines whose adapter is described as another kind than it is, so that tests see every kernel variant: by default an
 * adapter that runs on the CPU only shows those for its like.
 */
import { afterAll, beforeAll } from 'vitest'
import { Engine } from '../../src/autograd/engine.js'
import { Device } from '../../src/device/device.js'
import type { AdapterDescription } from '../../src/device/host.js'
import { openDevice, type OpenOptions } from '../../src/device/node.js'

/** As `useEngine`, with a device that says that its adapter is a GPU. */
export function useEngineWithGpuKernels(options: OpenOptions = {}): { readonly engine: Engine } {
  return useEngineDescribedAs({ kind: 'gpu' }, options)
}

/** As `useEngine`, with a device that says that it runs on the CPU and has no subgroups. */
export function useEngineWithoutSubgroups(options: OpenOptions = {}): { readonly engine: Engine } {
  return useEngineDescribedAs({ kind: 'software', subgroupSize: undefined }, options)
}

function useEngineDescribedAs(description: Partial<AdapterDescription>, options: OpenOptions) {
  const holder = {} as { engine: Engine }
  beforeAll(async () => {
    const host = await openDevice(options)
    holder.engine = new Engine(new Device({ ...host, adapter: { ...host.adapter, ...description } }))
  })
  afterAll(() => {
    holder.engine.destroy()
  })
  return holder
}
