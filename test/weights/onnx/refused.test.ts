/** Graphs that are almost a ResNet or a VGG: nothing is guessed, and the error says what was found. */
import { describe, expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { resnetBuilder, vggBuilder } from './networks.js'
import { encodeModel, node, type RawGraph, type RawNode } from './onnx-file.js'

type Change = (graph: RawGraph) => RawGraph

async function failure(graph: RawGraph): Promise<string> {
  const error = await openSource(bytesSource(encodeModel(graph), 'net.onnx')).then(
    () => new Error('the file was accepted'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  return (error as WeightsError).message
}

/** Names say nothing in these networks, so that only structure counts. */
function anonymous(): (name: string) => string {
  const names = new Map<string, string>()
  return (name) => {
    names.set(name, names.get(name) ?? `w${names.size}`)
    return names.get(name)!
  }
}
const basic = (): RawGraph => resnetBuilder({ block: 'basic', name: anonymous() }).graph
const bottleneck = (): RawGraph => resnetBuilder({ block: 'bottleneck', name: anonymous() }).graph
const vgg = (): RawGraph => vggBuilder({ name: anonymous() }).graph

/** Changes the node that has this operator and number among its like. */
function changed(operator: string, number: number, change: (node: RawNode) => RawNode | RawNode[]): Change {
  return (graph) => {
    let count = 0
    const nodes = graph.node.flatMap((each) => {
      return each.op_type === operator && count++ === number ? change(each) : [each]
    })
    return { ...graph, node: nodes }
  }
}

/** Sets an attribute: a list of integers, a number or a text. */
function withAttribute(operator: string, number: number, name: string, value: unknown): Change {
  const attributes = node('', [], '', { [name]: value }).attribute!
  return changed(operator, number, (each) => {
    const others = (each.attribute ?? []).filter((other) => (other as { name: string }).name !== name)
    return { ...each, attribute: [...others, ...attributes] }
  })
}

const withOperator = (operator: string, number: number, other: string): Change =>
  changed(operator, number, (each) => ({ ...each, op_type: other }))

/** Puts a node in front of another one. */
const before = (operator: string, number: number, other: string): Change =>
  changed(operator, number, (each) => [
    node(other, [each.input[0]!], 'between'),
    { ...each, input: ['between', ...each.input.slice(1)] },
  ])

/** Gives the tensor at this place another shape. */
const withShape = (place: number, ...dims: number[]): Change => {
  const data = new Uint8Array(4 * dims.reduce((product, size) => product * size, 1))
  return (graph) => {
    const { length } = graph.initializer
    const at = (place + length) % length
    const initializer = graph.initializer.map((each, i) => (i === at ? { ...each, dims, raw_data: data } : each))
    return { ...graph, initializer }
  }
}

const append = (...nodes: readonly RawNode[]): Change => {
  return (graph) => ({ ...graph, node: [...graph.node, ...nodes] })
}
const appendLast = (operator: string, ...inputs: string[]): Change => {
  return (graph) => append(node(operator, [graph.node.at(-1)!.output[0]!, ...inputs], 'more'))(graph)
}
const withoutLast: Change = (graph) => ({ ...graph, node: graph.node.slice(0, -1) })
const all = (...changes: readonly Change[]): Change => {
  return (graph) => changes.reduce((result, change) => change(result), graph)
}
const withInputs = (...names: string[]): Change => {
  return (graph) => ({ ...graph, input: names.map((name) => ({ name })) })
}

type Refusal = readonly [string, () => RawGraph, Change, RegExp]

describe('a graph like a ResNet, but', () => {
  const otherNetworks: readonly Refusal[] = [
    ['a batch norm in front of all', basic, before('Conv', 0, 'BatchNormalization'), /ResNet v2.* is not read/],
    ['no ReLU behind a sum', basic, withOperator('Relu', 2, 'Identity'), /ResNet v2.* is not read in block 1/],
    [
      'groups',
      bottleneck,
      all(withAttribute('Conv', 2, 'group', 2), withShape(10, 2, 1, 3, 3)),
      /groups 2 \(networks with depthwise convolutions are not read\) in block 1/,
    ],
    [
      'dilations',
      basic,
      withAttribute('Conv', 3, 'dilations', [2, 2]),
      /no dilation .* a dilation of \[2, 2\] in block 2/,
    ],
    ['another activation', basic, withOperator('Relu', 1, 'LeakyRelu'), /Conv or Add .* "LeakyRelu" in block 1/],
    ['another last activation', basic, withOperator('Relu', 2, 'Clip'), /a ReLU behind each convolution/],
    [
      'attention to channels',
      bottleneck,
      changed('Conv', 3, (each) => [each, node('GlobalAveragePool', each.output, 'mean')]),
      /"GlobalAveragePool" and "BatchNormalization" in block 1/,
    ],
    ['three branches', basic, append(node('Relu', ['MaxPool_3'], 'third')), /two branches .* 3 in block 1/],
    [
      'a small kernel at the beginning',
      basic,
      all(withAttribute('Conv', 0, 'pads', [1, 1, 1, 1]), withShape(0, 2, 3, 3, 3)),
      /7x7 .* 3x3 with a stride of 2 at the beginning/,
    ],
    ['no max pool', basic, withOperator('MaxPool', 0, 'Identity'), /expected MaxPool .* "Conv" and "Add"/],
  ]

  const otherWindows: readonly Refusal[] = [
    [
      'a padding on one side',
      basic,
      withAttribute('Conv', 1, 'pads', [0, 0, 2, 2]),
      /a padding of 1 .* pads of \[0, 0, 2, 2\] in block 1/,
    ],
    ['no padding', basic, withAttribute('Conv', 1, 'auto_pad', 'VALID'), /a padding of 1 .* auto_pad VALID/],
    [
      'an automatic padding with a stride',
      basic,
      withAttribute('Conv', 0, 'auto_pad', 'SAME_UPPER'),
      /a padding of 3 .* auto_pad SAME_UPPER/,
    ],
    ['two strides', basic, withAttribute('Conv', 1, 'strides', [1, 2]), /same stride in both directions/],
    ['a kernel that is no square', basic, withShape(0, 2, 3, 7, 5), /\[out, in, size, size\] .* \[2, 3, 7, 5\]/],
    ['another max pool', basic, withAttribute('MaxPool', 0, 'kernel_shape', [2, 2]), /a MaxPool of 3x3 .* one of 2x2/],
    ['a max pool that pads one side', basic, withAttribute('MaxPool', 0, 'pads', [0, 0, 1, 1]), /a padding of 1/],
    ['a max pool that rounds up', basic, withAttribute('MaxPool', 0, 'ceil_mode', 1), /which rounds up/],
    [
      'a stage without stride',
      basic,
      withAttribute('Conv', 3, 'strides', [1, 1]),
      /strides of 2, 1 and 2 in the shortcut .* 1, 1 and 2 in block 2/,
    ],
    [
      'a stride of 3',
      bottleneck,
      withAttribute('Conv', 6, 'strides', [3, 3]),
      /strides of 1, 2, 1 and 2 in the shortcut .* 1, 3, 1 and 2 in block 2/,
    ],
  ]

  const wrongTensors: readonly Refusal[] = [
    ['other channels than come in', basic, withShape(5, 2, 4, 3, 3), /as many channels as there are/],
    ['a batch norm of other channels', basic, withShape(1, 3), /a weight \[2\].* found \[3\]/],
    ['a batch norm over elements', basic, withAttribute('BatchNormalization', 0, 'spatial', 0), /over channels/],
    ['a negative epsilon', basic, withAttribute('BatchNormalization', 0, 'epsilon', -0.5), /epsilon .* -0\.5/],
    ['an epsilon that is none', basic, withAttribute('BatchNormalization', 0, 'epsilon', NaN), /epsilon .* NaN/],
    [
      'a weight that is computed',
      basic,
      all(
        append(node('Mul', ['w0', 'w0'], 'product')),
        changed('Conv', 1, (each) => ({ ...each, input: [each.input[0]!, 'product'] })),
      ),
      /a weight of floats in the file .* gets it from "Mul"/,
    ],
    [
      'a weight that comes in',
      basic,
      all((graph) => ({ ...graph, initializer: graph.initializer.slice(1) }), withInputs('data', 'w0')),
      /one input, the images.* found 2/,
    ],
  ]

  const otherEnds: readonly Refusal[] = [
    ['no pool', basic, withOperator('GlobalAveragePool', 0, 'Identity'), /GlobalAveragePool or ReduceMean/],
    ['no linear layer', basic, withoutLast, /Gemm or MatMul .* the end of the graph behind the last block/],
    ['a linear layer of other inputs', basic, withShape(-2, 3, 7), /a linear layer with 5 inputs .* found 7/],
    ['a linear layer of columns', basic, withAttribute('Gemm', 0, 'transA', 1), /transA/],
    ['two linear layers', basic, appendLast('Gemm', 'w0'), /the end of the graph .* "Gemm" behind the last block/],
    [
      'another network beside it',
      basic,
      append(node('Conv', ['w0', 'w0'], 'other')),
      /one network .* "Conv" beside it/,
    ],
    [
      'two inputs',
      basic,
      all(append(node('Relu', ['second'], 'unused')), withInputs('data', 'second')),
      /one input, the images.* found 2/,
    ],
    ['a condition', basic, before('Gemm', 0, 'If'), /Gemm or MatMul .* "If"/],
    [
      'an operator of others',
      basic,
      changed('MaxPool', 0, (each) => ({ ...each, domain: 'com.microsoft' })),
      /"MaxPool" of the domain "com.microsoft"/,
    ],
  ]

  test.each([...otherNetworks, ...otherWindows, ...wrongTensors, ...otherEnds])(
    'with %s',
    async (_, graph, change, message) => {
      expect(await failure(change(graph()))).toMatch(message)
    },
  )

  test('of version 2, with a batch norm and a ReLU in front of each convolution', async () => {
    const network = resnetBuilder({ block: 'basic' })
    const pool = 'MaxPool_3'
    const activated = network.node('Relu', [network.batchNorm(pool, 'layer1.0.bn0', 2)])
    const nodes = network.graph.node.map((each) => {
      return each.op_type === 'Conv' && each.input[0] === pool ? { ...each, input: [activated, each.input[1]!] } : each
    })
    expect(await failure({ ...network.graph, node: nodes })).toMatch(
      /expected a Conv .* "BatchNormalization"; a ResNet v2, with batch norms in front/,
    )
  })

  test.each([
    ['three', [1, 1, 1], 3],
    ['five', [1, 1, 1, 1, 1], 5],
  ])('of %s stages', async (_, layers, found) => {
    const { graph } = resnetBuilder({ block: 'basic', layers })
    expect(await failure(graph)).toMatch(new RegExp(`4 stages, .* found ${found}$`))
  })

  test('whose bottlenecks have their strides in different convolutions', async () => {
    const { graph: paper } = resnetBuilder({ block: 'bottleneck', strideIn: 1 })
    const { graph: torchvision } = resnetBuilder({ block: 'bottleneck', strideIn: 2 })
    const lastStages = paper.node.map((each, i) => (i < 38 ? each : torchvision.node[i]!))
    expect(await failure({ ...paper, node: lastStages })).toMatch(/some in the first, some in the second/)
  })

  test("even with torchvision's names, which do not say how it computes", async () => {
    const { graph } = resnetBuilder({ block: 'basic' })
    expect(await failure(withAttribute('Conv', 3, 'dilations', [2, 2])(graph))).toMatch(/no dilation/)
  })

  test('with weights that are integers', async () => {
    const graph = basic()
    const [first, ...others] = graph.initializer
    const integers = { ...first!, data_type: 3, raw_data: new Uint8Array(first!.raw_data!.length / 4) }
    expect(await failure({ ...graph, initializer: [integers, ...others] })).toMatch(/a weight of floats .* one of int8/)
  })
})

describe('a graph like a VGG, but', () => {
  const normalised = () => vggBuilder({ withBatchNorm: true, name: anonymous() }).graph
  const refusals: readonly Refusal[] = [
    ['a stride', vgg, withAttribute('Conv', 1, 'strides', [2, 2]), /3x3, stride 1, .* found 3x3, stride 2 in layer 3/],
    ['another activation', vgg, withOperator('Relu', 1, 'Sigmoid'), /without ReLU in layer 3/],
    [
      'batch norms behind some convolutions',
      normalised,
      withOperator('BatchNormalization', 1, 'Identity'),
      /behind all convolutions or none/,
    ],
    ['other channels than come in', vgg, withShape(2, 3, 1, 3, 3), /2 channels .* found 1 in layer 3/],
    ['pools that overlap', vgg, withAttribute('MaxPool', 1, 'strides', [1, 1]), /a stride of 2 .* stride 1 in layer 5/],
    ['local normalisation', vgg, before('MaxPool', 0, 'LRN'), /expected Gemm or MatMul .* "LRN"/],
    ['two linear layers', vgg, withoutLast, /Gemm or MatMul .* linear layer 3 of 3/],
    ['something behind it', vgg, appendLast('Relu'), /the end of the graph .* "Relu" behind the last linear layer/],
    ['linear layers that do not fit', vgg, withShape(8, 5, 3), /4 inputs.* 3 in linear layer 2/],
    ['features that do not fit', vgg, withShape(6, 4, 15), /a multiple of 4 inputs.* 15 in linear layer 1/],
    ['images that are transposed', vgg, before('Conv', 0, 'Transpose'), /expected Conv .* "Transpose" in layer 1/],
    ['no convolutions', vgg, (graph) => ({ ...graph, node: graph.node.slice(-1) }), /one input, the images.* found 0/],
    [
      'nodes in a circle',
      vgg,
      changed('Conv', 0, (each) => ({ ...each, input: ['Relu_5', each.input[1]!] })),
      /one input, the images.* found 0/,
    ],
  ]

  test.each(refusals)('with %s', async (_, graph, change, message) => {
    expect(await failure(change(graph()))).toMatch(message)
  })
})
