/** Following an ONNX graph from node to node. */
import { WeightsError } from '../../device/errors.js'
import type { StoredTensor } from '../weights-file.js'
import type { OnnxGraph, OnnxNode } from './model.js'

/** Operators whose output is their input, in evaluation at least. */
export const unchanging = ['Identity', 'Dropout', 'Cast', 'CastLike']
/** Operators that move no element: [N, C, 1, 1] -> [N, C]. */
export const flattening = ['Flatten', 'Reshape', 'Squeeze']

/** What may stand between a stored tensor and the layer that takes it. */
const passedOver = ['Identity', 'Cast', 'CastLike', 'Transpose', 'Expand']
/** What may follow the last layer. */
const probabilities = ['Softmax', 'LogSoftmax']
/** Operators with weights. */
const layers = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'BatchNormalization']

/** More nodes in a row between a stored tensor and the layer that takes it are not a weight any more. */
const mostHops = 8

/** A stored tensor that a node takes. */
export interface Parameter {
  readonly name: string
  readonly tensor: StoredTensor
  /** Whether a Transpose node swaps its two dimensions before. */
  readonly isTransposed: boolean
  /** Whether an Expand node repeats it before. */
  readonly isExpanded: boolean
}

/**
 * A walk through a graph, along what is computed from its input. Each node is entered once, so that every walk ends.
 */
export class Walk {
  /** Said in errors behind what was found, such as "in block 3". */
  place = ''
  /** What the graph is taken for, such as "a VGG". */
  family = ''
  readonly #consumers = new Map<string, OnnxNode[]>()
  readonly #producers = new Map<string, OnnxNode>()
  readonly #entered = new Set<OnnxNode>()

  /** @throws WeightsError where two nodes have the same output */
  constructor(
    readonly graph: OnnxGraph,
    readonly file: string,
  ) {
    const comesIn = new Set(graph.inputs)
    for (const node of graph.nodes) {
      for (const output of node.outputs) {
        if (output === '') continue
        const isTaken = this.#producers.has(output) || graph.tensors.has(output) || comesIn.has(output)
        if (isTaken) this.fail('one origin of every tensor', `two of ${JSON.stringify(output.slice(0, 60))}`)
        this.#producers.set(output, node)
      }
      if (node.operator === 'Shape') continue // what is computed from a shape is a shape
      const inputs = node.operator === 'CastLike' ? node.inputs.slice(0, 1) : node.inputs // the second gives its type only
      for (const input of new Set(inputs)) {
        if (input === '') continue
        const consumers = this.#consumers.get(input)
        if (consumers) consumers.push(node)
        else this.#consumers.set(input, [node])
      }
    }
  }

  /** The one input of the graph that is computed with. */
  start(): string {
    const { inputs, tensors } = this.graph
    const used = inputs.filter((name) => !tensors.has(name) && this.#consumers.has(name))
    if (used.length === 1) return used[0]!
    return this.fail('a graph with one input, the images', `${used.length}`)
  }

  /** All nodes that take a tensor, behind such as change nothing. */
  behind(tensor: string): readonly OnnxNode[] {
    return this.#consumers.get(this.skip(tensor, unchanging)) ?? []
  }

  /** Where the walk goes on behind nodes of these operators (and such as change nothing). */
  skip(tensor: string, operators: readonly string[]): string {
    let at = tensor
    for (let hops = this.graph.nodes.length; hops > 0; hops--) {
      const [node, ...others] = this.#consumers.get(at) ?? []
      const isSkipped = node?.domain === '' && [...operators, ...unchanging].includes(node.operator)
      if (!isSkipped || node.inputs[0] !== at || others.length > 0) return at
      at = outputOf(node)
    }
    return at
  }

  /** The one node that takes a tensor. */
  only(tensor: string, expected = 'one node'): OnnxNode {
    const nodes = this.behind(tensor)
    if (nodes.length === 1) return nodes[0]!
    const found = nodes.length === 0 ? 'the end of the graph' : nodes.slice(0, 4).map(describeNode).join(' and ')
    return this.fail(expected, found)
  }

  /** The same, where it has one of these operators. It is entered. */
  next(tensor: string, ...operators: readonly string[]): OnnxNode {
    const expected = operators.join(' or ')
    const node = this.only(tensor, expected)
    if (!operators.includes(node.operator) || node.domain !== '') this.fail(expected, describeNode(node))
    this.enter(node)
    return node
  }

  /** Whether the walk goes on with one node, of this operator. */
  isNext(tensor: string, operator: string): boolean {
    const nodes = this.behind(tensor)
    return nodes.length === 1 && nodes[0]!.operator === operator && nodes[0]!.domain === ''
  }

  /** Marks a node as part of the walk. */
  enter(node: OnnxNode): void {
    if (this.#entered.has(node)) this.fail('a graph without cycles', `one through ${describeNode(node)}`)
    this.#entered.add(node)
  }

  /** Checks that the graph ends behind `tensor`, or with the probabilities of classes, and that no layer was left out. */
  finish(tensor: string): void {
    const last = this.skip(tensor, probabilities)
    if (this.behind(last).length > 0)
      this.fail('the end of the graph', this.behind(last).map(describeNode).join(' and '))
    const other = this.graph.nodes.find((node) => layers.includes(node.operator) && !this.#entered.has(node))
    if (other) this.fail('one network', `${describeNode(other)} beside it`)
  }

  /** The stored tensor with this name, or that which nodes that do little make it from. */
  stored(name: string): Parameter | undefined {
    let [isTransposed, isExpanded] = [false, false]
    let at = name
    for (let hops = 0; hops < mostHops; hops++) {
      const tensor = this.graph.tensors.get(at)
      if (tensor) return { name: at, tensor, isTransposed, isExpanded }
      const producer = this.#producers.get(at)
      if (!producer || !passedOver.includes(producer.operator) || producer.domain !== '') return undefined
      if (producer.operator === 'Expand') isExpanded = true
      const order = producer.attributes.get('perm')?.integers ?? [1, 0]
      if (producer.operator === 'Transpose') {
        if (order.join() !== '1,0') return undefined
        isTransposed = !isTransposed
      }
      at = producer.inputs[0] ?? ''
    }
    return undefined
  }

  /** The tensor of floats that is a node's input number `input`. Throws `WeightsError` where there is none. */
  parameter(node: OnnxNode, input: number, what: string): Parameter {
    const name = node.inputs[input] ?? ''
    const parameter = this.stored(name)
    if (parameter?.tensor.dtype === 'float32') return parameter
    const expected = `${what} of floats in the file`
    if (parameter) return this.fail(expected, `one of ${parameter.tensor.storedType} for ${describeNode(node)}`)
    const producer = this.#producers.get(name)
    const origin = name === '' ? 'without one' : producer ? `that gets it from ${describeNode(producer)}` : 'without it'
    return this.fail(expected, `${describeNode(node)} ${origin}`)
  }

  fail(expected: string, found: string): never {
    throw new WeightsError(this.file, {
      expected: this.family === '' ? expected : `${expected} in the graph of ${this.family}`,
      found: this.place === '' ? found : `${found} ${this.place}`,
    })
  }
}

/** The name of what comes out of a node; others of its outputs are for training. */
export function outputOf(node: OnnxNode): string {
  return node.outputs[0] ?? ''
}

/** A node for an error message. */
export function describeNode({ operator, domain, name }: OnnxNode): string {
  const owner = domain === '' ? '' : ` of the domain ${JSON.stringify(domain.slice(0, 40))}`
  return `${JSON.stringify(operator.slice(0, 40))}${owner}${name === '' ? '' : ` (${JSON.stringify(name.slice(0, 80))})`}`
}
