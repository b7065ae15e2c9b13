/**
 * Recording: how an operation says what its gradient is. `src/autograd/ops/<op>.ts` calls `differentiable` once, naming
 * its inputs, what the backward pass needs, and the rule; the rule is recorded only if a gradient can flow.
 */
import { Tensor } from './tensor.js'
import { type GradientRule, TapeNode } from './tape-node.js'

type Inputs = Readonly<Record<string, Tensor | undefined>>

/** Which inputs need a gradient. */
export type Needs<I extends Inputs> = { readonly [K in keyof I]: boolean }

export interface DifferentiableOperation<I extends Inputs, S extends Inputs> {
  readonly name: string
  readonly inputs: I
  readonly output: Tensor
  /** The tensors that the rule reads, given which inputs need gradients. What nobody saves is released early. */
  readonly saves?: (needs: Needs<I>) => S
  /**
   * Gradients by input name, for the inputs in `needs`. It may use `saved` and shapes, but no other tensor: by then
   * the memory of those is somebody else's.
   */
  readonly gradients: (context: {
    readonly gradient: Tensor
    readonly saved: { readonly [K in keyof S]: Exclude<S[K], undefined> }
    readonly needs: Needs<I>
    /**
     * A tensor with undefined contents for the gradient of an input that needs one. For parameters it is better than
     * `engine.empty`: the optimizer may have a place for their gradients.
     */
    readonly into: (input: keyof I & string) => Tensor
  }) => { readonly [K in keyof I]?: Tensor | undefined }
}

/** Puts an operation on the tape and returns its output. */
export function differentiable<const I extends Inputs, const S extends Inputs = Inputs>(
  operation: DifferentiableOperation<I, S>,
): Tensor {
  const { name, inputs, output } = operation
  const given = Object.entries(inputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined)
  if (!output.engine.gradEnabled || !given.some(([, tensor]) => tensor.requiresGrad)) return output

  const needs = Object.fromEntries(
    Object.entries(inputs).map(([input, tensor]) => [input, tensor?.requiresGrad ?? false]),
  ) as unknown as Needs<I>
  const edges = given
    .filter(([, tensor]) => tensor.requiresGrad)
    .map(([input, tensor]) => ({
      input,
      shape: tensor.shape,
      dtype: tensor.dtype,
      node: tensor.node,
      leaf: tensor.isLeaf ? tensor : undefined,
    }))
  const saved = new Map<string, Tensor>()
  for (const [key, tensor] of Object.entries(operation.saves?.(needs) ?? {})) {
    if (!tensor) continue
    const alias = tensor.alias(tensor.shape)
    output.engine.scopes.keep(alias) // the tape owns it, not the scope
    saved.set(key, alias)
  }
  const rule: GradientRule = (gradient, tensors, into) =>
    operation.gradients({ gradient, saved: tensors as Parameters<typeof operation.gradients>[0]['saved'], needs, into })
  output.handle.node = new TapeNode(name, edges, saved, output.handle, rule, output.engine.device.label)
  return output
}
