/**
 * One operation on the tape: its inputs, what it saved, and its gradient rule. Nodes count their references (the output's
 * handle, and the nodes that consumed the output), so that a graph that nobody can reach any more gives its saved
 * activations back at once, with or without a backward pass.
 */
import { AutogradError } from '../device/errors.js'
import { type DispatchLabel, noLabel } from '../device/label.js'
import type { Handle } from './handle.js'
import type { DType, Tensor } from './tensor.js'

/** Where the gradient of one input goes: on to the node that made it, or into the `grad` of a leaf. */
export interface Edge {
  readonly input: string
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly node: TapeNode | undefined
  readonly leaf: Tensor | undefined
}

/** A saved tensor, and the version that its memory had when it was saved. */
interface Saved {
  readonly tensor: Tensor
  readonly version: number
}

/**
 * Computes the gradients of the inputs by name from the gradient of the output and the saved tensors; `into` gives a tensor to
 * write the gradient of an input to.
 */
export type GradientRule = (
  gradient: Tensor,
  saved: Readonly<Record<string, Tensor>>,
  into: (input: string) => Tensor,
) => Readonly<Record<string, Tensor | undefined>>

let sequence = 0

export class TapeNode {
  /** Nodes are numbered in the order of recording: inputs have smaller numbers than outputs. */
  readonly id = sequence++
  #references = 1
  #saved: Map<string, Saved> | undefined

  constructor(
    readonly operation: string,
    readonly edges: readonly Edge[],
    saved: ReadonlyMap<string, Tensor>,
    readonly output: Handle,
    readonly rule: GradientRule,
    /** What the operation was recorded for. */
    readonly label: DispatchLabel = noLabel,
  ) {
    this.#saved = new Map([...saved].map(([name, tensor]) => [name, { tensor, version: tensor.buffer.version }]))
    for (const { node } of edges) node?.retain()
  }

  retain(): void {
    this.#references++
  }

  release(): void {
    const dying: TapeNode[] = [this] // a loop, because a chain of nodes may be longer than the call stack
    for (let node = dying.pop(); node; node = dying.pop()) {
      if (--node.#references > 0) continue
      node.releaseSaved()
      for (const edge of node.edges) if (edge.node) dying.push(edge.node)
    }
  }

  /** The saved tensors. Throws if an earlier backward pass released them or an in-place write changed one. */
  saved(): Record<string, Tensor> {
    if (!this.#saved) {
      throw new AutogradError(
        `backward() passes ${this.operation} a second time, but the first pass released what it had saved; ` +
          'call the first one with { retainGraph: true }',
      )
    }
    return Object.fromEntries(
      [...this.#saved].map(([name, { tensor, version }]) => {
        if (tensor.buffer.version !== version) {
          throw new AutogradError(
            `${this.operation} saved its "${name}" for the backward pass, but it was modified in place afterwards ` +
              `(version ${tensor.buffer.version}, saved at ${version}); call backward() before modifying it`,
          )
        }
        return [name, tensor]
      }),
    )
  }

  releaseSaved(): void {
    for (const { tensor } of this.#saved?.values() ?? []) tensor.handle.release('the backward pass')
    this.#saved = undefined
  }
}
