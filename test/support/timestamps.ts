/** Tests that measure on the GPU's clock run only where the adapter has one: `describe.runIf(measures)`. */
import { openDevice } from '../../src/device/node.js'

export const measures = await openDevice().then(({ device }) => {
  const has = device.features.has('timestamp-query')
  device.destroy()
  return has
})
