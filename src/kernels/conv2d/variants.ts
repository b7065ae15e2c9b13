/**
 * The ways to compute a convolution or one of its gradients. All give the same numbers but for rounding; which one is the
 * fastest depends on shapes and device, and is decided in src/tuning.
 */
import type { DeviceBuffer } from '../../device/buffer.js'
import type { Device } from '../../device/device.js'
import { withPacked } from '../packed.js'
import type { Conv2dGeometry } from './geometry.js'
import type { ProductVariant } from '../matmul/tiling.js'
import { inputGradientGeometry } from './winograd/index.js'
import { winogradKernel } from './winograd/kernel.js'
import { isWinograd, type WinogradTile, type WinogradTiling, winogradTiling } from './winograd/tiles.js'

/**
 * - `direct`: an implicit matrix product,
 * - `winograd-2`, `winograd-4`: Winograd's algorithm with output tiles of 2x2 or 4x4 pixels.
 */
export const conv2dVariants = ['direct', 'winograd-2', 'winograd-4'] as const
export type Conv2dVariant = (typeof conv2dVariants)[number]

export type Conv2dOperation = 'forward' | 'input-gradient' | 'weight-gradient'

const tileOf: Readonly<Record<Conv2dVariant, WinogradTile | undefined>> = {
  direct: undefined,
  'winograd-2': 2,
  'winograd-4': 4,
}

/** What Winograd's algorithm computes in one of the operations: a convolution, and its tiles. */
export interface WinogradProblem {
  readonly geometry: Conv2dGeometry
  readonly tiling: WinogradTiling
}

/** Undefined for the variant `direct`, and where the algorithm does not apply or does not fit the device's bindings. */
export function winogradProblem(
  device: Device,
  operation: Conv2dOperation,
  geometry: Conv2dGeometry,
  variant: Conv2dVariant,
): WinogradProblem | undefined {
  const side = tileOf[variant]
  if (side === undefined || !isWinograd(geometry)) return undefined
  const ofOperation = operation === 'input-gradient' ? inputGradientGeometry(geometry) : geometry
  if (ofOperation.padding.some((width) => width < 0)) return undefined
  const tiling = winogradTiling(device, ofOperation, side)
  return tiling && { geometry: ofOperation, tiling }
}

/** The variants that can compute an operation; `direct` always can, and comes first. */
export function conv2dVariantsFor(
  device: Device,
  operation: Conv2dOperation,
  geometry: Conv2dGeometry,
): readonly Conv2dVariant[] {
  return conv2dVariants.filter(
    (variant) => variant === 'direct' || winogradProblem(device, operation, geometry, variant) !== undefined,
  )
}

/** How an operation is computed. */
export interface Conv2dMethod {
  /** One of `conv2dVariantsFor`; `direct` by default. */
  readonly variant?: Conv2dVariant
  /** Of the matrix products that it takes; by default what suits the device and the sizes. */
  readonly product?: ProductVariant | undefined
}

export interface PackedWeight {
  readonly weight: DeviceBuffer
  /** Whether the weight's packed form is kept for the next call, until the weight changes; not by default. */
  readonly keepPacked?: boolean
}

/** Runs `body` with the weight as Winograd's algorithm reads it in an operation. */
export function withPackedWeight(
  device: Device,
  { weight, keepPacked = false }: PackedWeight,
  { geometry: { inputChannels, outputChannels }, tiling }: WinogradProblem,
  flipped: boolean,
  body: (packed: DeviceBuffer) => void,
): void {
  const size = inputChannels * outputChannels
  const form = {
    source: weight,
    name: `winograd-${tiling.side}${flipped ? ' flipped' : ''}`,
    byteLength: tiling.points * size * 4,
    keep: keepPacked,
    pack: (into: DeviceBuffer) => winogradKernel(device, weight, into, size, { side: tiling.side, flipped }),
  }
  withPacked(device, form, body)
}
