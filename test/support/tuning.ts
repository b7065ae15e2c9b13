/** A family of problems that computes nothing, descriptions of adapters, and a clock for the tuner's tests. */
import type { Device, DeviceLimits } from '../../src/device/device.js'
import type { AdapterDescription } from '../../src/device/host.js'
import type { Tunable } from '../../src/tuning/tunable.js'

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
  operands: ({ side, batch }) => ({ output: side * side * batch }),
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
