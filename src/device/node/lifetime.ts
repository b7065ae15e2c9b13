/**
 * How long Dawn's objects live in Node.
 *
 * When the object that Dawn's `create()` returned is collected while a device of it lives, the process crashes. Every
 * such object is therefore kept for good (there are a few at most, see instances.ts), and every device with its adapter
 * for as long as it lives, whether or not the program still holds it.
 *
 * When the process ends while the driver's threads are at work they crash now and then. One exit hook destroys
 * the devices that are left, which waits for those threads; it goes away with the last device.
 */

interface HeldDevice {
  readonly adapter: GPUAdapter
  readonly device: GPUDevice
}

const heldDevices = new Set<HeldDevice>()

function destroyHeldDevices(): void {
  for (const { device } of heldDevices) device.destroy()
}

/** Keeps a device and its adapter until the device is lost or destroyed, or the process ends. */
export function holdDevice(adapter: GPUAdapter, device: GPUDevice): void {
  const held = { adapter, device }
  if (heldDevices.size === 0) process.on('exit', destroyHeldDevices)
  heldDevices.add(held)
  void device.lost.then(() => {
    heldDevices.delete(held)
    if (heldDevices.size === 0) process.off('exit', destroyHeldDevices)
  })
}
