/** Kinds of adapters on which the same variants are fast. */
import type { AdapterDescription } from '../device/host.js'

/** `gpu` and `software` are those that nobody has looked at. */
export const adapterClasses = ['amd', 'nvidia', 'intel', 'apple', 'gpu', 'lavapipe', 'swiftshader', 'software'] as const
export type AdapterClass = (typeof adapterClasses)[number]

const vendors: readonly AdapterClass[] = ['amd', 'nvidia', 'intel', 'apple']

/** The class of an adapter by what the driver calls it. */
export function adapterClass({
  kind,
  vendor,
  name,
}: Pick<AdapterDescription, 'kind' | 'vendor' | 'name'>): AdapterClass {
  if (kind === 'gpu') return vendors.find((known) => vendor.toLowerCase() === known) ?? 'gpu'
  if (/llvmpipe|lavapipe/i.test(name)) return 'lavapipe'
  return /swiftshader/i.test(name) ? 'swiftshader' : 'software'
}
