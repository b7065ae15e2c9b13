/**
 * What the engine needs from whoever opened the device: Node (node.ts), or a browser that passes its own device.
 */
export interface DeviceHost {
  readonly device: GPUDevice
  readonly adapter: AdapterDescription
  /**
   * What kernels and buffers must keep to. The device's own limits are never below WebGPU's defaults, whatever was
   * requested, so these may be smaller; for a device from outside they are `device.limits`.
   */
  readonly limits: Readonly<Record<LimitName, number>>
  /**
   * Runs a function that starts asynchronous WebGPU work (mapAsync, onSubmittedWorkDone, create*PipelineAsync,
   * popErrorScope, ...). Node polls for the result with back-off; a browser just calls the function.
   */
  asynchronous<T>(start: () => Promise<T>): Promise<T>
}

export interface AdapterDescription {
  readonly name: string
  /** The driver and its version, as far as the browser or Dawn tells. */
  readonly driver: string
  readonly vendor: string
  readonly architecture: string
  readonly kind: 'gpu' | 'software'
  readonly source: 'system' | 'bundled' | 'given'
  /** The lanes of a subgroup where that number is fixed and the device may use subgroups. */
  readonly subgroupSize: number | undefined
}

/** The fixed subgroup size of a device, if it has one and may use it. */
export function subgroupSizeOf({ features, adapterInfo }: GPUDevice): number | undefined {
  const { subgroupMinSize, subgroupMaxSize } = adapterInfo
  return features.has('subgroups') && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : undefined
}

/** The limits that matter to compute; sizes are in bytes. */
export const limitNames = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxUniformBufferBindingSize',
  'minStorageBufferOffsetAlignment',
  'minUniformBufferOffsetAlignment',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[]

export type LimitName = (typeof limitNames)[number]
