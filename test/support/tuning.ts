/** A family of problems that computes nothing, descriptions of adapters, stores and clocks for the tuner's tests. */
import type { Device, DeviceLimits } from '../../src/device/device.js'
import type { AdapterDescription } from '../../src/device/host.js'
import type { Clock } from '../../src/tuning/measure.js'
import type { TuningStore } from '../../src/tuning/store.js'
import { methodName, type Tunable } from '../../src/tuning/tunable.js'

export interface SquareProblem {
  readonly side: number
  readonly batch: number
}

// a type, as interfaces are no records
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type SquareMethod = { readonly way: 'plain' | 'fast' | 'odd' }

/** Estimated costs of 1, 2 and 10; nothing runs. */
export const squares: Tunable<SquareProblem, SquareMethod, 'output'> = {
  family: 'squares',
  shape: ({ side }) => `${side}x${side}`,
  batch: ({ batch }) => batch,
  candidates: () => [
    { method: { way: 'plain' }, cost: 1 },
    { method: { way: 'fast' }, cost: 2 },
    { method: { way: 'odd' }, cost: 10 },
  ],
  operations: ({ side, batch }) => side * side * batch,
  operands: ({ side, batch }) => ({ output: { size: side * side * batch, half: false } }),
  run: () => undefined,
  code: () => 'squares',
}

/** What estimates look at of a device: nothing of it computes. */
export function describedDevice(adapter: Partial<AdapterDescription> = {}, limits: Partial<DeviceLimits> = {}): Device {
  const described: Pick<Device, 'adapter' | 'limits'> = {
    adapter: {
      name: 'an adapter',
      driver: 'its driver',
      vendor: '',
      architecture: '',
      kind: 'gpu',
      source: 'system',
      subgroupSize: undefined,
      ...adapter,
    },
    limits: {
      bindingSize: 2 ** 27,
      offsetAlignment: 256,
      workgroupInvocations: 256,
      workgroupMemory: 16384,
      workgroupsPerDimension: 65535,
      storageBuffers: 8,
      ...limits,
    },
  }
  return described as Device
}

/** A store in memory, and what was written to it. */
export function memoryStore(): TuningStore & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>()
  return {
    texts,
    read: (name) => Promise.resolve(texts.get(name)),
    write: (name, text) => {
      texts.set(name, text)
      return Promise.resolve()
    },
    place: (name) => `memory/${name}`,
  }
}

/** A clock by which a method takes as long as its name says, and which runs what it times. */
export function clockOf(milliseconds: (method: string) => number): Clock {
  return async (device, body, method) => {
    body()
    await device.idle()
    return milliseconds(methodName(method))
  }
}
