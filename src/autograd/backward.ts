/**
 * The backward pass: nodes in reverse order of recording, each asked for the gradients of its inputs. Gradients that meet
 * at a tensor are added in a fixed order, so equal seeds give equal bits. Memory is returned as the pass goes on: the
 * saved activations of a node, its output and its output's gradient are free as soon as its rule has run.
 */
import { accumulate } from '../kernels/accumulate/accumulate.js'
import { AutogradError, ShapeError } from '../device/errors.js'
import { noLabel } from '../device/label.js'
import type { Engine } from './engine.js'
import { formatShape, sameShape } from './shape.js'
import type { Edge, TapeNode } from './tape-node.js'
import { type FloatType, Tensor } from './tensor.js'

export interface BackwardOptions {
  /** The gradient of the tensor itself; 1 by default, which needs a tensor with one element. */
  gradient?: Tensor
  /** Keep the tape, so that `backward()` can pass it again. */
  retainGraph?: boolean
}

export function backward(root: Tensor, { gradient, retainGraph = false }: BackwardOptions): void {
  const { engine } = root
  if (!root.requiresGrad) {
    throw new AutogradError(`backward(): ${root.toString()} does not depend on any tensor that requires gradients`)
  }
  if (!gradient && root.size !== 1) {
    throw new ShapeError('backward', 'a tensor with one element, or the option gradient', formatShape(root.shape))
  }
  if (gradient && !sameShape(gradient.shape, root.shape)) {
    throw new ShapeError('backward', `a gradient of shape ${formatShape(root.shape)}`, formatShape(gradient.shape))
  }
  if (gradient && gradient.dtype !== root.dtype) {
    throw new ShapeError('backward', `a gradient of type ${root.dtype}`, gradient.toString())
  }
  const { label } = engine.device
  try {
    engine.noGrad(() => {
      engine.scope(() => {
        const seed = gradient ? gradient.alias(gradient.shape) : engine.full(root.shape, 1, root.dtype as FloatType)
        if (!root.node) {
          accumulateInLeaf(root, seed)
          return
        }
        const gradients = new Map<TapeNode, Tensor>([[root.node, seed]])
        for (const node of nodesBehind(root.node)) {
          const incoming = gradients.get(node)
          gradients.delete(node)
          if (incoming) passThrough(node, incoming, gradients)
          if (retainGraph) continue
          node.releaseSaved()
          if (node.output !== root.handle) node.output.release('backward(), which passed it')
        }
      })
    })
  } finally {
    engine.device.label = label
  }
}

/** Runs the rule of one node and hands the gradients of its inputs on. */
function passThrough(node: TapeNode, incoming: Tensor, gradients: Map<TapeNode, Tensor>): void {
  const { engine } = incoming
  const { device } = engine
  if (node.label !== noLabel) device.label = { ...node.label, phase: 'backward' }
  const saved = node.saved()
  const results = engine.scope(() => node.rule(incoming, saved, (input) => destination(engine, node, input)))
  const owned = new Set<Tensor>()
  const outgoing: [Edge, Tensor][] = []
  for (const edge of node.edges) {
    const result = results[edge.input]
    if (!result) continue
    if (!sameShape(result.shape, edge.shape)) {
      throw new ShapeError(
        `gradient of ${node.operation} for "${edge.input}"`,
        formatShape(edge.shape),
        formatShape(result.shape),
      )
    }
    if (result.dtype !== edge.dtype) {
      throw new ShapeError(`gradient of ${node.operation} for "${edge.input}"`, edge.dtype, result.dtype)
    }
    outgoing.push([edge, owned.has(result) ? result.alias(result.shape) : result])
    owned.add(result)
  }
  if (!owned.has(incoming)) incoming.handle.release('the backward pass')
  for (const [edge, result] of outgoing) {
    if (edge.leaf) accumulateInLeaf(edge.leaf, result)
    else if (edge.node) gradients.set(edge.node, sum(gradients.get(edge.node), result))
  }
}

/** Memory for the gradient of an input: its place, if it is a leaf that has one for its first gradient, or new memory. */
function destination(engine: Engine, { edges, operation }: TapeNode, input: string): Tensor {
  const edge = edges.find((candidate) => candidate.input === input)
  if (!edge) throw new AutogradError(`the gradient of ${operation} for "${input}" is not needed`)
  const { leaf, shape, dtype } = edge
  const part = leaf?.place && !leaf.grad ? leaf.place.block.takeGradient(leaf.place) : undefined
  return part ? new Tensor(engine, shape, 'f32', part) : engine.empty(shape, dtype)
}

/** Adds `term` to `total`; takes both over. */
function sum(total: Tensor | undefined, term: Tensor): Tensor {
  if (!total) return term
  const target = exclusive(total)
  accumulate(target.engine.device, { target: target.buffer, source: term.buffer, size: target.size })
  term.handle.release('the backward pass')
  return target
}

function accumulateInLeaf(leaf: Tensor, gradient: Tensor): void {
  if (!leaf.grad) {
    leaf.grad = exclusive(gradient)
    return
  }
  const target = leaf.grad.buffer
  // another leaf's gradient, that somebody passed to backward(), may lie in the same memory
  const source = gradient.buffer.id === target.id ? copyOf(gradient) : gradient
  leaf.engine.device.everyStep(() => {
    target.version++
  })
  accumulate(leaf.engine.device, { target, source: source.buffer, size: leaf.size })
  source.handle.release('the backward pass')
}

/** The tensor itself if nobody else sees its memory, else a copy. */
function exclusive(tensor: Tensor): Tensor {
  return tensor.buffer.references === 1 ? tensor : copyOf(tensor)
}

/** Takes a tensor over and returns one with memory of its own. */
function copyOf(tensor: Tensor): Tensor {
  const copy = tensor.engine.empty(tensor.shape, tensor.dtype)
  tensor.engine.device.copy(tensor.buffer, 0, copy.buffer, 0, copy.buffer.byteLength)
  tensor.handle.release('the backward pass')
  return copy
}

/** All nodes that the root depends on, itself included, latest first. */
function nodesBehind(root: TapeNode): TapeNode[] {
  const found = new Set([root])
  for (const node of found) for (const edge of node.edges) if (edge.node) found.add(edge.node)
  return [...found].sort((a, b) => b.id - a.id)
}
