/**
 * Runs: parameters that are neighbours in memory (src/autograd/leaf-block.ts), so that one dispatch does for all of them what
 * would be one each.
 */
import type { DeviceBuffer } from '../device/buffer.js'
import type { LeafBlock, Place } from '../autograd/leaf-block.js'
import { Tensor } from '../autograd/tensor.js'

/** A parameter and its gradient. */
export interface Pair {
  readonly parameter: Tensor
  readonly gradient: Tensor
}

/**
 * Cuts a list into runs of neighbours in memory whose gradients are neighbours, too; everything else is a run by itself.
 *
 * @param alike whether two neighbours may be in one run
 */
export function runsOf<P extends Pair>(pairs: readonly P[], alike: (one: P, next: P) => boolean = () => true): P[][] {
  const runs: P[][] = []
  let last: P | undefined
  for (const pair of pairs) {
    if (last && areNeighbours(last, pair) && alike(last, pair)) runs.at(-1)!.push(pair)
    else runs.push([pair])
    last = pair
  }
  return runs
}

/** The same list with parameters that share memory in the order of their places, so that its runs are as long as they can be. */
export function inOrderOfPlaces<P extends Pair>(pairs: readonly P[]): P[] {
  const blocks = new Map<LeafBlock | undefined, P[]>()
  for (const pair of pairs) {
    const block = pair.parameter.place?.block
    const others = blocks.get(block)
    if (others) others.push(pair)
    else blocks.set(block, [pair])
  }
  for (const [block, others] of blocks) {
    if (block) others.sort((one, other) => one.parameter.place!.index - other.parameter.place!.index)
  }
  return [...blocks.values()].flat()
}

/** The part of a block's memory that a run of more than one parameter takes, as one tensor. It is of the current scope. */
export function tensorOfRun(run: readonly Pair[], memoryOf: (block: LeafBlock) => DeviceBuffer): Tensor {
  const first = run[0]!.parameter.place!
  const last = run.at(-1)!.parameter.place!
  // kernels may take what is behind the last one, and means nothing, into fours of elements
  const size = Math.ceil((last.offset + last.size - first.offset) / 4) * 4
  return new Tensor(run[0]!.parameter.engine, [size], 'f32', memoryOf(first.block).part(first.offset * 4, size * 4))
}

/** A gradient in other memory than its parameter: that which somebody set may be another parameter of the same block. */
export function gradientApart({ parameter, gradient }: Pair): Tensor {
  if (gradient.buffer.id !== parameter.buffer.id) return gradient
  const { engine, shape, size } = gradient
  const copy = engine.empty(shape)
  engine.device.copy(gradient.buffer, 0, copy.buffer, 0, size * 4)
  return copy
}

/** The place that a pair has if its gradient lies in the same place. */
function commonPlace({ parameter, gradient }: Pair): Place | undefined {
  const { place } = parameter
  return place?.block.isInPlace(place, gradient.buffer) ? place : undefined
}

function areNeighbours(one: Pair, next: Pair): boolean {
  const [place, nextPlace] = [commonPlace(one), commonPlace(next)]
  return place !== undefined && place.block === nextPlace?.block && nextPlace.index === place.index + 1
}
