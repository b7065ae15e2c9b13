/**
 * Dawn's instances: listing adapters by name, and asking for one of them. Options such as the adapter's name are given
 * to Dawn when an instance is created, so there is one instance for each set of options. They are kept for good, see
 * lifetime.ts for why.
 */
import type { DriverSource } from './drivers.js'
import { withEnvironment } from './environment.js'
import { asynchronous } from './polling.js'

/** The part of the `webgpu` package that is used here. */
export interface Dawn {
  create(options: string[]): GPU
}

/** An adapter as Dawn lists it. */
export interface ListedAdapter {
  readonly backend: string
  readonly name: string
}

// Timestamps are rounded to 66 microseconds against timing attacks on web pages; kernels are shorter than that.
const commonFlags = ['disable-dawn-features=timestamp_quantization']
const noSuchName = '\u0001'

const instances = new Map<string, GPU>()

function requestAdapter(dawn: Dawn, drivers: DriverSource, flags: readonly string[]): Promise<GPUAdapter | null> {
  const allFlags = [...commonFlags, ...drivers.flags, ...flags]
  return withEnvironment(drivers.environment, () => {
    const { VK_DRIVER_FILES, VK_ICD_FILENAMES, DAWNNODE_BACKEND } = process.env
    const key = JSON.stringify([allFlags, VK_DRIVER_FILES, VK_ICD_FILENAMES, DAWNNODE_BACKEND])
    const instance = instances.get(key) ?? dawn.create(allFlags)
    instances.set(key, instance)
    // Dawn looks for drivers inside of this call, before it returns. "Fallback" would find nothing outside of Vulkan.
    return asynchronous(() => instance.requestAdapter({ powerPreference: 'high-performance' }))
  })
}

/** The adapters of some drivers. Dawn names them only when it is asked for one that does not exist. */
export async function listAdaptersOf(dawn: Dawn, drivers: DriverSource): Promise<ListedAdapter[]> {
  try {
    await requestAdapter(dawn, drivers, [`adapter=${noSuchName}`])
    return [] // no driver at all
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const lines = message.matchAll(/backend: '([^']*)', name: '(.*)'$/gm)
    return Array.from(lines, ([, backend = '', name = '']) => ({ backend, name }))
  }
}

/** One adapter: the one with a name, or Dawn's choice (discrete before integrated before software). */
export function requestAdapterOf(dawn: Dawn, drivers: DriverSource, name?: string): Promise<GPUAdapter | null> {
  return requestAdapter(dawn, drivers, name === undefined ? [] : [`adapter=${name}`])
}
