/**
 * The tuner: which variant of a kernel for which device and shape.
 *
 * What lives in src/tuning: estimates, measurements and tables of variants. What does not: the variants themselves, which
 * are kernels (src/kernels), and who asks for them (src/autograd).
 */
import type { Device } from '../device/device.js'
import type { Conv2dGeometry } from '../kernels/conv2d/geometry.js'
import type { Conv2dOperation, Conv2dVariant } from '../kernels/conv2d/variants.js'
import { conv2dVariantsByCost } from './conv2d-cost.js'

export class Tuner {
  readonly #chosen = new Map<string, Conv2dVariant>()

  constructor(private readonly device: Device) {}

  /**
   * The variant for one operation of a convolution.
   * @param reusesWeight whether the weight's packed form is kept from call to call
   */
  conv2d(operation: Conv2dOperation, geometry: Conv2dGeometry, reusesWeight: boolean): Conv2dVariant {
    const key = `${operation} ${String(reusesWeight)} ${Object.values(geometry).join(' ')}`
    let variant = this.#chosen.get(key)
    if (!variant) {
      variant = conv2dVariantsByCost(this.device, operation, geometry, reusesWeight)[0]!
      this.#chosen.set(key, variant)
    }
    return variant
  }
}
