/**
 * Running modules one after another. Neighbours that have a common kernel run as one pass over memory: a convolution or a
 * linear layer with what follows it, a batch norm with what follows it, a ReLU with the max pool behind it. Results are those of the modules one by one, but for
 * rounding where a batch norm becomes a factor and a summand of its convolution.
 */
import { add } from '../autograd/ops/binary.js'
import { formatShape, sameShape } from '../autograd/shape.js'
import type { Tensor } from '../autograd/tensor.js'
import { ShapeError } from '../device/errors.js'
import { BatchNorm2d } from './batch-norm-2d.js'
import { Conv2d } from './conv2d.js'
import { Linear } from './linear.js'
import { Module } from './module.js'
import { MaxPool2d } from './pooling.js'
import { Identity, ReLU } from './simple.js'

/** A step of `chain` that adds a shortcut. */
export class Residual {
  /** @internal */
  constructor(
    readonly identity: Tensor,
    readonly downsample: Module | undefined,
  ) {}
}

/**
 * The shortcut of a residual block, as a step of `chain`: adds `identity`, or what `downsample` makes of it, to what the
 * chain has so far, which has the same shape.
 */
export function residual(identity: Tensor, downsample?: Module): Residual {
  return new Residual(identity, downsample)
}

type Step = Module | Residual

/** Steps that run as one: one layer, and in its own pass what follows it, or the ReLU before a pool. */
interface Group {
  readonly layer: BatchNorm2d | Conv2d | Linear | MaxPool2d
  readonly normalization: BatchNorm2d | undefined
  readonly residual: Residual | undefined
  readonly relu: boolean
  /** How many steps these are. */
  readonly length: number
}

/**
 * Runs modules one after another. What one hands to the next gives its memory back as soon as the next has run (unless
 * the tape has saved it), so that a long chain needs no more than its two largest neighbours.
 *
 * A convolution or a linear layer, a batch norm, a residual and a ReLU that follow each other run as one where they can. So do
 * a ReLU and a max pool: what the pool drops needs no ReLU.
 * Where one of them has a hook (`onForward`) they run one by one: it sees every result that its module has.
 *
 * @throws ShapeError when a residual has another shape than what it is added to
 */
export function chain(input: Tensor, ...steps: readonly Step[]): Tensor {
  const { engine } = input
  let current = input
  for (let i = 0; i < steps.length;) {
    const step = steps[i]!
    const group = groupAt(steps, i)
    const next = group
      ? withShortcut(group.residual, (shortcut) =>
          group.layer.labelled(() => engine.scope(() => runGroup(group, current, shortcut))),
        )
      : step instanceof Residual
        ? withShortcut(step, (shortcut) => sum(current, shortcut!))
        : step.call(current)
    if (current !== input && current !== next) engine.scopes.release(current)
    current = next
    i += group?.length ?? 1
  }
  return current
}

/** The steps from `start` on that can run as one; undefined where they are none, or only the first. */
function groupAt(steps: readonly Step[], start: number): Group | undefined {
  const first = steps[start]
  if (isA(first, ReLU)) return poolGroupAt(steps, start)
  const product = isA(first, Conv2d) || isA(first, Linear)
  if (!product && !isA(first, BatchNorm2d)) return undefined
  let end = start + 1
  const following = <S extends Step>(accepts: (step: Step | undefined) => step is S): S | undefined => {
    const i = skipIdentities(steps, end)
    const step = steps[i]
    if (!accepts(step)) return undefined
    end = i + 1
    return step
  }
  const isConstantNorm = (step: Step | undefined): step is BatchNorm2d => isA(step, BatchNorm2d) && step.isConstant
  const normalization = first instanceof Conv2d ? following(isConstantNorm) : undefined
  const residual = first instanceof Linear ? undefined : following((step) => step instanceof Residual)
  const pooled = poolGroupAt(steps, skipIdentities(steps, end))
  const relu = !pooled && following((step) => isA(step, ReLU)) !== undefined
  const group = steps.slice(start, end)
  if (group.length === 1 || group.some((step) => step instanceof Module && step.hooked)) return undefined
  return { layer: first, normalization, residual, relu, length: group.length }
}

/** A ReLU and the max pool behind it. */
function poolGroupAt(steps: readonly Step[], start: number): Group | undefined {
  const end = skipIdentities(steps, start + 1)
  const pool = steps[end]
  // dilation may leave a window without any input: the ReLU would see what the pool gives for it
  if (!isA(steps[start], ReLU) || !isA(pool, MaxPool2d) || pool.options.dilation !== undefined) return undefined
  if (steps.slice(start, end + 1).some((step) => step instanceof Module && step.hooked)) return undefined
  return { layer: pool, normalization: undefined, residual: undefined, relu: true, length: end + 1 - start }
}

function skipIdentities(steps: readonly Step[], start: number): number {
  let i = start
  while (isA(steps[i], Identity)) i++
  return i
}

function runGroup({ layer, normalization, relu }: Group, input: Tensor, shortcut: Tensor | undefined): Tensor {
  if (layer instanceof Conv2d) return layer.forwardFused(input, { normalization, residual: shortcut, relu })
  if (layer instanceof BatchNorm2d) return layer.forwardFused(input, { residual: shortcut, relu })
  return layer.forwardFused(input, { relu })
}

/** Whether a step computes what a class of modules does: its subclasses may have another `forward`. */
function isA<M extends Module>(step: Step | undefined, kind: { readonly prototype: M }): step is M {
  if (!(step instanceof Module)) return false
  return step.forward === kind.prototype.forward && step.call === Module.prototype.call
}

/** Runs `body` with what a residual adds, and gives its memory back. */
function withShortcut(residual: Residual | undefined, body: (shortcut: Tensor | undefined) => Tensor): Tensor {
  if (!residual?.downsample) return body(residual?.identity)
  const { identity, downsample } = residual
  const shortcut = downsample.call(identity)
  const result = body(shortcut)
  if (shortcut !== identity) identity.engine.scopes.release(shortcut)
  return result
}

function sum(current: Tensor, shortcut: Tensor): Tensor {
  if (!sameShape(current.shape, shortcut.shape)) {
    throw new ShapeError('residual', formatShape(current.shape), formatShape(shortcut.shape))
  }
  return add(current, shortcut)
}
