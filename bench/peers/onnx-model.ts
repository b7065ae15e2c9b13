/** The compared cases as ONNX models, for engines that run nothing else. One input and one output, `[N, C, H, W]`. */
import { encodeModel, node, type RawNode, type RawTensor } from '../../test/weights/onnx/onnx-file.js'
import { type NetworkOperations, runNetwork } from '../support/architectures.js'
import { type ComparedCase, type Network, paddingOf } from '../support/compared.js'
import { channelsFirst, type NumberArray, operandsOf, outputsFirst, parametersOf } from './operands.js'

const float32 = 1
const intermediateRepresentation = 8
const operatorSet = 17
const epsilon = 1e-5

interface Graph {
  readonly nodes: readonly RawNode[]
  readonly constants: readonly RawTensor[]
  readonly input: readonly number[]
}

/** The bytes of a model whose input and output are called `input` and `output`. Throws an `Error` for training. */
export function onnxModel(compared: ComparedCase): Uint8Array<ArrayBuffer> {
  const { nodes, constants, input } = compared.kind === 'network' ? networkGraph(compared) : operationGraph(compared)
  const type = (shape?: readonly number[]) => ({
    tensor_type: { elem_type: float32, ...(shape && { shape: { dim: shape.map((size) => ({ dim_value: size })) } }) },
  })
  const graph = {
    name: compared.name,
    node: nodes,
    initializer: constants,
    input: [{ name: 'input', type: type(input) }],
    output: [{ name: 'output', type: type() }],
  }
  const versions = { ir_version: intermediateRepresentation, opset_import: [{ domain: '', version: operatorSet }] }
  return encodeModel(graph, versions)
}

function operationGraph(compared: Exclude<ComparedCase, Network>): Graph {
  const operands = operandsOf(compared)
  const constant = (name: string, change = (array: NumberArray) => array) => rawTensor(name, change(operands[name]!))
  const input = channelsFirst((operands.input ?? operands.left)!).shape
  switch (compared.kind) {
    case 'matmul':
      return { nodes: [node('MatMul', ['input', 'right'], 'output')], constants: [constant('right')], input }
    case 'conv2d': {
      const { kernel, stride } = compared
      const attributes = windowAttributes({ kernel, stride, padding: paddingOf(compared) })
      const nodes = [node('Conv', ['input', 'weight'], 'output', attributes)]
      return { nodes, constants: [constant('weight', outputsFirst)], input }
    }
    case 'max-pool-2d': {
      const attributes = windowAttributes({ kernel: 3, stride: 2, padding: 1 })
      return { nodes: [node('MaxPool', ['input'], 'output', attributes)], constants: [], input }
    }
    case 'batch-norm-relu': {
      const names = ['weight', 'bias', 'runningMean', 'runningVar']
      const normalise = node('BatchNormalization', ['input', ...names], 'normal', { epsilon })
      const constants = names.map((name) => constant(name))
      return { nodes: [normalise, node('Relu', ['normal'], 'output')], constants, input }
    }
  }
}

function networkGraph(network: Network): Graph {
  if (network.training) throw new Error(`${network.name} is training, and an ONNX model is a forward pass`)
  const nodes: RawNode[] = []
  const add = (operator: string, inputs: readonly string[], attributes: object = {}) => {
    const output = `value${nodes.length}`
    nodes.push(node(operator, inputs, output, attributes))
    return output
  }
  const affine = (name: string) => [`${name}.weight`, `${name}.bias`]
  const operations: NetworkOperations<string> = {
    conv2d: (input, name, { bias, ...window }) =>
      add('Conv', [input, ...(bias ? affine(name) : [`${name}.weight`])], windowAttributes(window)),
    batchNorm2d(input, name) {
      const statistics = [`${name}.running_mean`, `${name}.running_var`]
      return add('BatchNormalization', [input, ...affine(name), ...statistics], { epsilon })
    },
    relu: (input) => add('Relu', [input]),
    add: (left, right) => add('Add', [left, right]),
    maxPool2d: (input, window) => add('MaxPool', [input], windowAttributes(window)),
    globalAveragePool: (input) => add('Flatten', [add('GlobalAveragePool', [input])], { axis: 1 }),
    adaptiveAveragePool() {
      throw new Error('no compared forward pass has an adaptive average pool')
    },
    flatten: (input) => add('Flatten', [input], { axis: 1 }),
    linear: (input, name) => add('Gemm', [input, ...affine(name)], { transB: 1 }),
    again: (value) => value,
  }
  const logits = runNetwork(operations, network, 'input')
  nodes.push(node('Identity', [logits], 'output'))
  const constants = [...parametersOf(network)].map(([name, array]) => rawTensor(name, array))
  return { nodes, constants, input: channelsFirst(operandsOf(network).input!).shape }
}

function windowAttributes({ kernel, stride, padding }: { kernel: number; stride: number; padding: number }) {
  return { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [padding, padding, padding, padding] }
}

function rawTensor(name: string, { shape, data }: NumberArray): RawTensor {
  return { name, dims: shape, data_type: float32, raw_data: new Uint8Array(data.buffer) }
}
