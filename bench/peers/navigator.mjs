/**
 * `navigator.gpu` for engines that were written for browsers, from the same Dawn that Daybreak uses.
 */
import { create, globals } from 'webgpu'

/** What the GPU has complained about to nobody in particular. */
export const gpuErrors = []

/** Makes `navigator.gpu`; `adapter` is a part of the name of the adapter to be found, the fastest by default. */
export function installNavigator(adapter) {
  const gpu = create(adapter === undefined ? [] : [`adapter=${adapter}`])
  globalThis.daybreakPeersGpu = gpu // Dawn crashes once this is collected
  Object.assign(globalThis, globals)
  if (!globalThis.navigator) define(globalThis, 'navigator', {}) // Node 20 has none
  if (!globalThis.navigator.userAgent) define(globalThis.navigator, 'userAgent', 'Node.js')
  define(globalThis.navigator, 'gpu', gpu)
}

/** Collects the errors of a device, and gives the name of its adapter. */
export function watchDevice(device) {
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault()
    gpuErrors.push(event.error.message)
  })
  const { device: name, description } = device.adapterInfo
  return name || description
}

function define(target, name, value) {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}
