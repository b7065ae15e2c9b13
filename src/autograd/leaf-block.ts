/**
 * Small leaves side by side in one piece of memory, and their gradients in the same places of another: a hundred parameters of
 * batch norms can be updated by one dispatch then. Only their memory moves. The leaves stay the same tensors, and whoever
 * looks at one of them sees no difference.
 *
 * Places begin at multiples of the device's offset alignment. What lies between them is undefined and means nothing.
 */
import type { DeviceBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import type { Engine } from './engine.js'
import type { Tensor } from './tensor.js'

/** Where a leaf lies in its block; in elements. */
export interface Place {
  readonly block: LeafBlock
  /** The number of the leaf in its block: neighbours have neighbouring numbers. */
  readonly index: number
  readonly offset: number
  readonly size: number
}

/** Elements; with Adam's 28 bytes for each, an update of so many takes about as long as software drivers need to begin one. */
const largestLeaf = 2 ** 14
/** Elements, unless a binding holds fewer. Kernels bind whole blocks. */
const largestBlock = 2 ** 22

export class LeafBlock {
  readonly places: readonly Place[]
  /** The number of elements, gaps included. */
  readonly size: number
  /** The memory of the leaves, which they hold: it lives as long as one of them. */
  readonly values: DeviceBuffer
  #gradients: DeviceBuffer | undefined
  readonly #gradientParts: (DeviceBuffer | undefined)[] = []

  /** @param sizes the number of elements of each leaf */
  constructor(
    readonly engine: Engine,
    sizes: readonly number[],
  ) {
    const { device } = engine
    let end = 0
    this.places = sizes.map((size, index) => {
      const offset = end
      end += roomFor(device, size)
      return { block: this, index, offset, size }
    })
    this.size = end
    this.values = device.allocate(end * 4)
  }

  /** The memory that holds all gradients which lie in their places, while there is one. */
  get gradients(): DeviceBuffer | undefined {
    return this.#gradients?.released ? undefined : this.#gradients
  }

  /**
   * The place of a leaf's gradient, with undefined contents; undefined while somebody still sees an earlier gradient there.
   * Like all gradients, those of a block give their memory back when nobody holds one of them any more.
   */
  takeGradient({ index, offset, size }: Place): DeviceBuffer | undefined {
    const earlier = this.#gradientParts[index]
    if (earlier && !earlier.released) return undefined
    const before = this.gradients
    const gradients = before ?? this.engine.device.allocate(this.size * 4)
    const part = gradients.part(offset * 4, size * 4)
    if (!before) gradients.release() // its parts hold it
    this.#gradients = gradients
    this.#gradientParts[index] = part
    return part
  }

  /** Whether this is the memory that a gradient in its place has. */
  isInPlace({ index }: Place, gradient: DeviceBuffer): boolean {
    return this.#gradientParts[index] === gradient
  }
}

/**
 * Moves the values of small leaves to places in common memory. Those stay where they are that are large, have a place already,
 * or whose memory is seen by somebody else too: a detached tensor, a tape, or a recorded step.
 */
export function gatherLeaves(leaves: readonly Tensor[]): void {
  const { device } = leaves[0]!.engine
  if (!device.recording) return
  const movable = leaves.filter(
    (leaf) => !leaf.place && leaf.size <= largestLeaf && leaf.dtype === 'f32' && leaf.buffer.references === 1,
  )
  for (const chunk of chunksOf(movable, device)) if (chunk.length > 1) moveTogether(chunk)
}

function moveTogether(leaves: readonly Tensor[]): void {
  const { engine } = leaves[0]!
  const block = new LeafBlock(
    engine,
    leaves.map(({ size }) => size),
  )
  for (const [i, leaf] of leaves.entries()) {
    const place = block.places[i]!
    const part = block.values.part(place.offset * 4, place.size * 4)
    engine.device.copy(leaf.buffer, 0, part, 0, place.size * 4)
    leaf.moveTo(place, part)
  }
  block.values.release() // the leaves hold it
}

/** Leaves in pieces of at most a block each, in their order. */
function chunksOf(leaves: readonly Tensor[], device: Device): Tensor[][] {
  const most = Math.min(largestBlock, Math.floor(device.limits.bindingSize / 4))
  const chunks: Tensor[][] = []
  let room = 0
  for (const leaf of leaves) {
    const needed = roomFor(device, leaf.size)
    if (needed > most) continue
    if (needed > room) {
      chunks.push([])
      room = most
    }
    chunks.at(-1)!.push(leaf)
    room -= needed
  }
  return chunks
}

/** Elements from one place to the next. */
function roomFor(device: Device, size: number): number {
  const alignment = device.limits.offsetAlignment / 4
  return Math.ceil(size / alignment) * alignment
}
