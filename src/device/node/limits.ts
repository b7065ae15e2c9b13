/**
 * The limits to ask an adapter for. A device that is requested without any has WebGPU's defaults (128 MiB bindings),
 * whatever the hardware can do, so everything that matters to compute is requested at the adapter's maximum.
 */
import { OptionError } from '../errors.js'
import { type DeviceHost, type LimitName, limitNames } from '../host.js'

/** Limits that are smaller than the adapter's, by their WebGPU names. */
export type RequiredLimits = Partial<Record<LimitName, number>>

/** The adapter's limits, reduced to the ones in `required`. Throws `OptionError` if the adapter offers less. */
export function chooseLimits(adapter: GPUAdapter, required: RequiredLimits): DeviceHost['limits'] {
  const limits: Record<string, number> = {}
  for (const name of limitNames) limits[name] = usableLimit(adapter, name)
  for (const [name, value] of Object.entries(required)) {
    const best = limits[name]
    const option = `requiredLimits.${name}`
    if (best === undefined) throw new OptionError(option, `one of ${limitNames.join(', ')}`, name)
    if (!Number.isSafeInteger(value) || value < 1) throw new OptionError(option, 'a positive integer', value)
    const isAlignment = name.startsWith('min')
    if (isAlignment && (value < best || !Number.isInteger(Math.log2(value)))) {
      throw new OptionError(option, `a power of two, at least the adapter's ${best}`, value)
    }
    if (!isAlignment && value > best) throw new OptionError(option, `at most the adapter's ${best}`, value)
    limits[name] = value
  }
  return limits as Record<LimitName, number>
}

function usableLimit(adapter: GPUAdapter, name: LimitName): number {
  const value = adapter.limits[name]
  // SwiftShader says 1 GiB, but cannot allocate its last bytes.
  const isSize = name === 'maxBufferSize' || name === 'maxStorageBufferBindingSize'
  return isSize && adapter.info.architecture === 'swiftshader' ? value - 256 : value
}
