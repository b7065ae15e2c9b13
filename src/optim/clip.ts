/** Gradient clipping, between `backward()` and `step()`. Nothing is read back. */
import type { Engine } from '../autograd/engine.js'
import type { LeafBlock } from '../autograd/leaf-block.js'
import type { Tensor } from '../autograd/tensor.js'
import type { Device } from '../device/device.js'
import { OptionError } from '../device/errors.js'
import { clipClamp } from '../kernels/clip/clamp.js'
import { clipNorm } from '../kernels/clip/norm.js'
import { clipScale } from '../kernels/clip/scale.js'
import {
  chunksOf,
  type SquaredArray,
  type SquaredArrays,
  type SumsOfSquares,
  sumSquares,
} from '../kernels/clip/sum-squares.js'
import { type Pair, runsOf, tensorOfRun } from './runs.js'

/** Stands for infinity, which WGSL need not know. */
const largest = 3.4028234663852886e38

/**
 * Scales all gradients by one factor, in place, so that the norm of all of them together is at most `maxNorm`. The sums
 * are trees in a fixed order: the same gradients give the same bits. If a gradient is not finite, neither are the
 * clipped ones, as in PyTorch.
 *
 * @param parameters those without a gradient are left out
 * @param maxNorm may be Infinity, which measures the norm only
 * @returns the norm before clipping, a tensor of shape [], on the GPU: `await norm.item()` waits for it
 * @throws OptionError for a negative norm, or without parameters
 * Source: torch.nn.utils.clip_grad_norm_ with norm_type 2.
 */
export function clipGradNorm(parameters: Iterable<Tensor>, maxNorm: number): Tensor {
  if (typeof maxNorm !== 'number' || !(maxNorm >= 0)) {
    throw new OptionError('clipGradNorm: maxNorm', 'a number that is not negative', maxNorm)
  }
  const all = [...parameters]
  if (!all[0]) throw new OptionError('clipGradNorm: parameters', 'at least one tensor', 'none')
  const { engine } = all[0]
  const runs = runsOf(gradientsOf(all, 'clipGradNorm'))
  if (runs.length === 0) return engine.zeros([])
  return engine.scope(() => {
    const [norm, factor] = [engine.empty([]), engine.empty([])]
    withSumsOfSquares(engine.device, runs, (sums) => {
      const limit = Math.min(maxNorm, largest)
      clipNorm(engine.device, { ...sums, maxNorm: limit, norm: norm.buffer, factor: factor.buffer })
    })
    scaleGradients(runs, factor)
    return norm
  })
}

/** Calls `body` with sums of squares of gradients: each is finite if the gradients are, and no sum overflows. */
export function withSumsOfSquares(
  device: Device,
  runs: readonly (readonly Pair[])[],
  body: (sums: SumsOfSquares) => void,
): void {
  const sums = sumSquares(device, runs.map(squared))
  body(sums)
  sums.partials.release()
}

/** Multiplies gradients in place with a number that lies on the GPU; f32 []. */
export function scaleGradients(runs: readonly (readonly Pair[])[], factor: Tensor): void {
  const { engine } = factor
  engine.scope(() => {
    for (const { buffer, size } of runs.map(gradientOfRun)) {
      clipScale(engine.device, { gradient: buffer, factor: factor.buffer, size })
    }
  })
}

/**
 * Limits every element of all gradients to the range from -maxValue to maxValue, in place. NaN stays NaN.
 *
 * @param parameters those without a gradient are left out
 * @throws OptionError for a negative value
 * Source: torch.nn.utils.clip_grad_value_.
 */
export function clipGradValue(parameters: Iterable<Tensor>, maxValue: number): void {
  if (typeof maxValue !== 'number' || !(maxValue >= 0)) {
    throw new OptionError('clipGradValue: maxValue', 'a number that is not negative', maxValue)
  }
  const pairs = gradientsOf([...parameters], 'clipGradValue')
  if (pairs.length === 0) return
  const { engine } = pairs[0]!.gradient
  engine.scope(() => {
    for (const { buffer, size } of runsOf(pairs).map(gradientOfRun)) {
      clipClamp(engine.device, { gradient: buffer, size, limit: Math.min(maxValue, largest) })
    }
  })
}

/** The gradients that there are, about to be written. */
export function gradientsOf(parameters: readonly Tensor[], operation: string): Pair[] {
  return parameters.flatMap((parameter) => {
    const gradient = parameter.grad
    if (!gradient) return []
    gradient.beforeInPlaceWrite(operation)
    return [{ parameter, gradient }]
  })
}

function gradientOfRun(run: readonly Pair[]): Tensor {
  return run.length === 1 ? run[0]!.gradient : tensorOfRun(run, (block) => block.gradients!)
}

/** The arrays of a run as the kernel takes them: summed one by one, so that the sums are those of gradients by themselves. */
function squared(run: readonly Pair[]): SquaredArray | SquaredArrays {
  const { gradient, parameter } = run[0]!
  if (run.length === 1) return gradient
  const { block, index } = parameter.place!
  const { list, firsts } = chunkListOf(parameter.engine, block)
  const firstChunk = firsts[index]!
  return {
    buffer: block.gradients!,
    chunks: list.buffer,
    firstChunk,
    count: firsts[index + run.length]! - firstChunk,
    size: run.reduce((sum, { gradient }) => sum + gradient.size, 0),
  }
}

interface ChunkList {
  readonly list: Tensor
  /** The number of the first chunk of each place, and at the end that of all chunks. */
  readonly firsts: readonly number[]
}

const chunkLists = new WeakMap<LeafBlock, ChunkList>()

function chunkListOf(engine: Engine, block: LeafBlock): ChunkList {
  const known = chunkLists.get(block)
  if (known) return known
  const firsts = [0]
  const ends: number[] = []
  for (const { offset, size } of block.places) {
    for (const chunk of chunksOf(engine.device, size)) ends.push(...chunk.map((element) => offset + element))
    firsts.push(ends.length / 2)
  }
  // kept for later steps, so no part of one
  const list = engine.device.outsideOfPlan(() => engine.tensor(Uint32Array.from(ends), [ends.length / 2, 2]))
  engine.scopes.keep(list)
  if (engine.device.recording) chunkLists.set(block, { list, firsts })
  return { list, firsts }
}
