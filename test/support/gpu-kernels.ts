/** Tests on adapters that run on the CPU see the kernels for such adapters only, unless they ask for those of GPUs. */
import { afterAll, beforeAll } from 'vitest'
import { Engine } from '../../src/autograd/engine.js'
import { Device } from '../../src/device/device.js'
import { openDevice, type OpenOptions } from '../../src/device/node.js'

/** As `useEngine`, with a device that says that its adapter is a GPU. */
export function useEngineWithGpuKernels(options: OpenOptions = {}): { readonly engine: Engine } {
  const holder = {} as { engine: Engine }
  beforeAll(async () => {
    const host = await openDevice(options)
    holder.engine = new Engine(new Device({ ...host, adapter: { ...host.adapter, kind: 'gpu' } }))
  })
  afterAll(() => {
    holder.engine.destroy()
  })
  return holder
}
