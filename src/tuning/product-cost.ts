/**
 * What the variants of the inner product should cost beside the one that is usual for the adapter, for shapes that nobody
 * has measured. The figures are in docs/performance.md.
 */
import type { Device } from '../device/device.js'
import { defaultProductVariant, type ProductVariant, productVariants, tilingOf } from '../kernels/matmul/tiling.js'
import { type AdapterClass, adapterClass } from './adapter-class.js'

export interface ProductSizes {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  readonly depth: number
}

export interface ProductCost {
  readonly product: ProductVariant
  /** How many times as long as the usual one it should take; 1 for that. */
  readonly factor: number
}

type Slowness = Readonly<Record<ProductVariant, number>>

/** By the machine code for AMD's GPUs; nobody has run the last two on a GPU. */
const gpu: Slowness = { 'shared-8x8': 1, 'shared-8x4': 1.2, 'shared-4x4': 1.5, subgroups: 2, registers: 2 }
/** Drivers that run on the CPU, with eight lanes and with four. */
const eightLanes: Slowness = { subgroups: 1, registers: 1.7, 'shared-8x8': 4, 'shared-8x4': 4, 'shared-4x4': 4 }
const fourLanes: Slowness = { subgroups: 1, registers: 1.1, 'shared-8x8': 3.5, 'shared-8x4': 3.5, 'shared-4x4': 3.5 }

/** How long the same multiply-adds take, relative to each other, where tiles are full. */
const slowness: Readonly<Record<AdapterClass, Slowness>> = {
  amd: gpu,
  nvidia: gpu,
  // eight times eight results do not fit the registers that its compiler gives an invocation
  intel: { 'shared-8x8': 1.8, 'shared-8x4': 1.2, 'shared-4x4': 1, subgroups: 2, registers: 2 },
  apple: gpu,
  gpu,
  lavapipe: eightLanes,
  swiftshader: fourLanes,
  software: eightLanes,
}

/** The variants that the device can run for such a product, the usual one first. */
export function productCosts(device: Device, sizes: ProductSizes): readonly ProductCost[] {
  const ofClass = adapterClass(device.adapter)
  const costOf = (product: ProductVariant): number => {
    const tiling = tilingOf(device, product, sizes.columns)
    if (!tiling) return Infinity
    const tiles = Math.ceil(sizes.rows / tiling.rows) * Math.ceil(sizes.columns / tiling.columns)
    return tiles * tiling.rows * tiling.columns * slowness[ofClass][product]
  }
  const runnable = productVariants.filter((product) => costOf(product) < Infinity)
  const wanted = ofClass === 'intel' ? 'shared-4x4' : defaultProductVariant(device, sizes)
  const usual = runnable.includes(wanted) ? wanted : 'registers' // which every device can run
  const others = runnable
    .filter((product) => product !== usual)
    // what is usual knows more than this: a large tile leaves a GPU without enough to do, for one
    .map((product) => ({ product, factor: Math.max(1, costOf(product) / costOf(usual)) }))
  return [{ product: usual, factor: 1 }, ...others]
}
