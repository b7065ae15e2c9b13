/** The two cases that every differentiable operation gets: its forward pass, and its backward pass alone. */
import type { Engine } from '../../src/autograd/engine.js'
import { type Shape, sizeOf } from '../../src/autograd/shape.js'
import { bytesPerElement, type Tensor } from '../../src/autograd/tensor.js'
import type { BenchmarkCase, PreparedCase } from './case.js'
import { hashedTensor } from './values.js'

export type TensorsByName<N extends string> = Readonly<Record<N, Tensor>>

export interface OperationOptions<N extends string, C = undefined> {
  /** The forward case; the backward one has `_backward` behind it. */
  readonly name: string
  /** What the table says; the inputs' shapes by default. */
  readonly shape?: string
  /** The shapes of the f32 inputs, by name. All of them get a gradient in the backward case. */
  readonly inputs: Readonly<Record<N, Shape>>
  /** Makes what else the operation takes, such as labels. */
  readonly constants?: (engine: Engine) => C
  readonly run: (inputs: TensorsByName<N>, constants: C) => Tensor
  /** Of the forward pass; the backward pass is counted with as many for each input. */
  readonly multiplyAdds?: number
}

/** An operation's forward case, without a tape, and its backward case: the gradients of all inputs, without the forward. */
export function operationCases<N extends string, C = undefined>(options: OperationOptions<N, C>): BenchmarkCase[] {
  return [forwardCase(options), backwardCase(options)]
}

/** The forward case alone, for operations without gradients. */
export function forwardCase<N extends string, C = undefined>(options: OperationOptions<N, C>): BenchmarkCase {
  const { name, inputs: shapes, run, multiplyAdds } = options
  return {
    name,
    shape: options.shape ?? shapesText(shapes),
    prepare(engine): PreparedCase {
      const inputs = tensorsOf(engine, shapes)
      const constants = options.constants?.(engine) as C
      const execute = () => engine.noGrad(() => run(inputs, constants))
      const outputBytes = engine.scope(() => bytesOf(execute()))
      const inputBytes = sum(Object.values<Tensor>(inputs).map(bytesOf))
      return {
        run: execute,
        ...(multiplyAdds === undefined ? { bytes: inputBytes + outputBytes } : { multiplyAdds }),
      }
    },
  }
}

/** Its bytes are the output's gradient, the inputs and their gradients, whether or not the rule needs them all. */
function backwardCase<N extends string, C = undefined>(options: OperationOptions<N, C>): BenchmarkCase {
  const { name, inputs: shapes, run, multiplyAdds } = options
  return {
    name: `${name}_backward`,
    shape: options.shape ?? shapesText(shapes),
    prepare(engine): PreparedCase {
      const inputs = tensorsOf(engine, shapes)
      const leaves = Object.values<Tensor>(inputs)
      for (const leaf of leaves) leaf.requiresGrad = true
      const output = run(inputs, options.constants?.(engine) as C)
      const gradient = hashedTensor(engine, output.shape, 9)
      return {
        run() {
          output.backward({ gradient, retainGraph: true })
          for (const leaf of leaves) leaf.grad = undefined
        },
        ...(multiplyAdds === undefined
          ? { bytes: bytesOf(output) + 2 * sum(leaves.map(bytesOf)) }
          : { multiplyAdds: multiplyAdds * leaves.length }),
      }
    },
  }
}

function tensorsOf<N extends string>(engine: Engine, shapes: Readonly<Record<N, Shape>>): TensorsByName<N> {
  const entries = Object.entries<Shape>(shapes).map(([name, shape], i) => [name, hashedTensor(engine, shape, 1 + i)])
  return Object.fromEntries(entries) as TensorsByName<N>
}

/** `[8, 56, 56, 64]` and `[3, 3, 64, 64]` -> `8x56x56x64, 3x3x64x64`. */
export function shapesText(shapes: Readonly<Record<string, Shape>>): string {
  return Object.values(shapes)
    .map((shape) => shape.join('x'))
    .join(', ')
}

function bytesOf(tensor: Tensor): number {
  return sizeOf(tensor.shape) * bytesPerElement[tensor.dtype]
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
