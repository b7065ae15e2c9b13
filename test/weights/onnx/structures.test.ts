/** ResNets and VGGs in the ways of several exporters: the structure of a graph decides what its tensors are called. */
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import type { StateDict } from '../../../src/weights/index.js'
import { type NetworkBuilder, resnetBuilder, type ResNetOptions, type Style, vggBuilder } from './networks.js'
import { encodeModel, node, type RawGraph, type RawNode } from './onnx-file.js'

async function read(graph: RawGraph): Promise<{ stateDict: StateDict; metadata: Record<string, string> }> {
  const opened = await openSource(bytesSource(encodeModel(graph), 'net.onnx'))
  expect(opened.format).toBe('onnx')
  const stateDict: StateDict = new Map()
  for (const [name, tensor] of opened.tensors) {
    const array = await tensor.read()
    expect([array.shape, array.dtype]).toEqual([tensor.shape, tensor.dtype])
    stateDict.set(name, array)
  }
  return { stateDict, metadata: { ...opened.metadata } }
}

/** Names that say nothing, one after the other. */
function numbered(prefix: string): (name: string) => string {
  const names = new Map<string, string>()
  return (name) => {
    names.set(name, names.get(name) ?? `${prefix}${names.size}`)
    return names.get(name)!
  }
}

const caffe2 = (name: string) => `gpu_0/${name.replaceAll('.', '_')}_0`

const resnets: readonly [string, ResNetOptions, Record<string, string>][] = [
  ["torchvision's names", { block: 'basic' }, {}],
  ["torchvision's names, bottlenecks", { block: 'bottleneck', layers: [2, 1, 2, 1] }, {}],
  ['numbers for names', { block: 'basic', name: numbered('') }, {}],
  [
    'folded batch norms',
    { block: 'bottleneck', batchNorm: 'folded', name: numbered('onnx::Conv_') },
    { batch_norm: 'folded' },
  ],
  ["folded batch norms under torchvision's names", { block: 'basic', batchNorm: 'folded' }, { batch_norm: 'folded' }],
  [
    "MXNet's names, its bias in front of batch norms, the stride of the paper",
    {
      ...{ block: 'bottleneck', strideIn: 1, name: numbered('resnetv17_conv'), convolutionBias: true },
      ...{ shortcutFirst: true, epsilon: 1e-3 },
    },
    { resnet_stride: '1x1' },
  ],
  ["Caffe2's names and Sum", { block: 'bottleneck', name: caffe2, sum: 'Sum' }, {}],
  ['an epsilon of 1e-6', { block: 'basic', epsilon: 1e-6 }, {}],
  ["an epsilon that is torchvision's", { block: 'basic', epsilon: 1e-5 }, {}],
  ['a MatMul', { block: 'basic', linear: 'MatMul' }, {}],
]

test.each(resnets)('a ResNet with %s', async (_, options, metadata) => {
  const { graph, expected } = resnetBuilder(options)
  const found = await read(graph)
  expect([...found.stateDict.keys()].sort()).toEqual([...expected.keys()].sort())
  expect(found.stateDict).toEqual(expected)
  expect(found.metadata).toEqual(metadata)
})

const vggs: readonly [string, Style & { withBatchNorm?: boolean }][] = [
  ["torchvision's names", {}],
  ['batch norms', { withBatchNorm: true }],
  ["MXNet's names and batch norms", { name: numbered('vgg0_'), withBatchNorm: true, epsilon: 2e-5 }],
  ["Caffe2's names", { name: caffe2 }],
  ['Gemms of [in, out]', { gemm: { transB: 0 } }],
  ['Gemms with factors', { gemm: { transB: 1, alpha: 0.5, beta: 2.5 }, name: numbered('w') }],
  ['MatMuls', { linear: 'MatMul', name: numbered('w') }],
]

test.each(vggs)('a VGG with %s', async (_, style) => {
  const { graph, expected } = vggBuilder(style)
  const found = await read(graph)
  expect(found.stateDict).toEqual(expected)
  expect([...found.stateDict.keys()]).toEqual([...expected.keys()])
  expect(found.metadata).toEqual({})
})

describe('what exporters put around a network', () => {
  /** Puts nodes of these operators in front of the node with this operator. */
  const before = (graph: RawGraph, operator: string, operators: readonly string[]): RawGraph => ({
    ...graph,
    node: graph.node.flatMap((each) => {
      if (each.op_type !== operator) return [each]
      const to = each.output[0]!
      const chain = operators.map((name, i) => node(name, [i === 0 ? each.input[0]! : `${to}/${i - 1}`], `${to}/${i}`))
      const last = chain.at(-1)!.output[0]!
      return [...chain, { ...each, input: [last, ...each.input.slice(1)] }]
    }),
  })

  const changes: readonly [string, (network: NetworkBuilder) => RawGraph][] = [
    [
      'initializers that are inputs as well',
      ({ graph }) => ({ ...graph, input: [...graph.input, ...graph.initializer.map(({ name }) => ({ name }))] }),
    ],
    [
      'Constant nodes instead of initializers',
      ({ graph }) => ({
        input: graph.input,
        initializer: [],
        node: [
          ...graph.initializer.map(({ name, ...t }) => ({
            ...{ op_type: 'Constant', input: [], output: [name] },
            attribute: [{ name: 'value', t }],
          })),
          ...graph.node,
        ],
      }),
    ],
    [
      'nodes in the wrong order',
      ({ graph }) => ({ ...graph, node: [...graph.node].reverse(), initializer: [...graph.initializer].reverse() }),
    ],
    ['nodes that change nothing', ({ graph }) => before(graph, 'Relu', ['Identity'])],
    ['a cast and a dropout', ({ graph }) => before(before(graph, 'Gemm', ['Dropout']), 'MaxPool', ['Cast'])],
    [
      'a shape that is computed',
      ({ graph }) => ({
        ...graph,
        node: graph.node.flatMap((each): RawNode[] => {
          if (each.op_type !== 'Flatten') return [each]
          const [from] = each.input as [string]
          return [
            node('Shape', [from], 'shape'),
            node('Concat', ['shape'], 'to'),
            { ...each, op_type: 'Reshape', input: [from, 'to'] },
          ]
        }),
      }),
    ],
    [
      'probabilities behind it',
      ({ graph }) => ({
        ...graph,
        node: [...graph.node, node('Softmax', [graph.node.at(-1)!.output[0]!], 'probabilities')],
      }),
    ],
    [
      'a ReduceMean, and a Squeeze behind it',
      ({ graph }) => ({
        ...graph,
        node: graph.node.map((each) => {
          const operator = { GlobalAveragePool: 'ReduceMean', Flatten: 'Squeeze' }[each.op_type] ?? each.op_type
          return { ...each, op_type: operator }
        }),
      }),
    ],
    [
      'an automatic padding that is symmetric',
      ({ graph }) => ({
        ...graph,
        node: graph.node.map((each) => {
          const strides = each.attribute?.find((attribute) => 'name' in attribute && attribute.name === 'strides')
          const isOne = strides && 'ints' in strides && String(strides.ints) === '1,1'
          if (each.op_type !== 'Conv' || !isOne) return each
          const others = each.attribute!.filter((attribute) => 'name' in attribute && attribute.name !== 'pads')
          return { ...each, attribute: [...others, { name: 'auto_pad', s: new TextEncoder().encode('SAME_UPPER') }] }
        }),
      }),
    ],
    [
      'zeros for the bias of a convolution',
      ({ graph }) => ({
        ...graph,
        initializer: [...graph.initializer, { name: 'zero', dims: [], data_type: 1, raw_data: new Uint8Array(4) }],
        node: graph.node.flatMap((each): RawNode[] => {
          if (each.op_type !== 'Conv') return [each]
          const [input, weight] = each.input as [string, string]
          const cast = node('CastLike', ['zero', input], `${weight}/cast`)
          const expand = node('Expand', [`${weight}/cast`, 'size'], `${weight}/zeros`)
          return [cast, expand, { ...each, input: [input, weight, `${weight}/zeros`] }]
        }),
      }),
    ],
    [
      'a bias of two dimensions',
      ({ graph }) => ({
        ...graph,
        initializer: graph.initializer.map((each) => (each.name === 'fc.bias' ? { ...each, dims: [1, 3] } : each)),
      }),
    ],
    [
      'a weight that is transposed before its MatMul',
      ({ graph }) => ({
        ...graph,
        node: graph.node.flatMap((each): RawNode[] => {
          if (each.op_type !== 'Gemm') return [each]
          const [input, weight, bias] = each.input as [string, string, string]
          return [
            node('Transpose', [weight], 'turned', { perm: [1, 0] }),
            node('MatMul', [input, 'turned'], 'product'),
            node('Add', [bias, 'product'], 'logits'),
          ]
        }),
      }),
    ],
    [
      'a tensor that is stored once for two names',
      ({ graph, expected }) => {
        const kept = graph.initializer.filter(({ name }) => name !== 'layer4.0.bn1.bias')
        const same = kept.find(({ name }) => name === 'layer4.0.bn1.weight')!
        const data = new Float32Array(same.raw_data!.buffer as ArrayBuffer)
        expected.set('layer4.0.bn1.bias', { shape: same.dims, dtype: 'float32', data })
        return {
          ...graph,
          initializer: kept,
          node: [node('Identity', [same.name], 'layer4.0.bn1.bias'), ...graph.node],
        }
      },
    ],
  ]

  test.each(changes)('%s', async (_, change) => {
    const network = resnetBuilder({ block: 'basic' })
    const { stateDict } = await read(change(network))
    expect(stateDict).toEqual(network.expected)
  })

  test('an average pool in a VGG', async () => {
    const { graph, expected } = vggBuilder()
    expect((await read(before(graph, 'Flatten', ['AveragePool']))).stateDict).toEqual(expected)
  })

  test('a Gemm without bias has zeros', async () => {
    const { graph } = vggBuilder()
    const bare = graph.node.map((each) => (each.op_type === 'Gemm' ? { ...each, input: each.input.slice(0, 2) } : each))
    const { stateDict } = await read({ ...graph, node: bare })
    expect(stateDict.get('classifier.3.bias')).toEqual({ shape: [5], dtype: 'float32', data: new Float32Array(5) })
  })
})

describe('a network of another family', () => {
  /** Two convolutions and one linear layer, as MiniVGG has more of. */
  const small = (name?: (torchvision: string) => string) => {
    const network = vggBuilder({ name })
    const flatten = network.graph.node.findIndex(({ op_type }) => op_type === 'Flatten')
    const kept = network.graph.node.slice(0, flatten + 2)
    const used = new Set(kept.flatMap(({ input }) => input))
    const initializer = network.graph.initializer.filter((each) => used.has(each.name))
    return { graph: { ...network.graph, node: kept, initializer }, expected: network.expected }
  }

  test("is read by its names where they are those of PyTorch's modules", async () => {
    const { graph, expected } = small((name) => name.replace('classifier.0', 'classifier'))
    const { stateDict } = await read(graph)
    const names = [0, 3, 5].flatMap((place) => [`features.${place}.weight`, `features.${place}.bias`])
    expect([...stateDict.keys()]).toEqual([...names, 'classifier.weight', 'classifier.bias'])
    for (const name of names) expect(stateDict.get(name)).toEqual(expected.get(name))
    expect(stateDict.get('classifier.weight')).toEqual(expected.get('classifier.0.weight'))
  })

  test('keeps what no layer takes if it has such a name, and nothing else', async () => {
    const { graph } = small()
    const extra = ['head.layer_scale', 'onnx::Mul_7', '/features/Constant_output_0', '17', 'token'].map((name) => ({
      ...graph.initializer[0]!,
      name,
    }))
    const { stateDict } = await read({ ...graph, initializer: [...graph.initializer, ...extra] })
    expect(stateDict.size).toBe(graph.initializer.length + 1)
    expect(stateDict.has('head.layer_scale')).toBe(true)
  })

  test.each<[string, (name: string) => string]>([
    ['numbers', numbered('')],
    [
      'a convolution that got its bias from a batch norm',
      (name) => name.replace('features.3.bias', 'features.3.weight_bias'),
    ],
    ['parts of two modules in one layer', (name) => name.replace('features.3.bias', 'features.4.bias')],
  ])('is refused with %s for names', async (_, name) => {
    await expect(read(small(name).graph)).rejects.toThrow(/expected Gemm or MatMul|expected Relu in the graph of a VGG/)
  })

  test('is refused where a Gemm is not as a linear layer of PyTorch, whatever its name', async () => {
    const { graph } = small()
    const turned = graph.node.map((each) => (each.op_type === 'Gemm' ? { ...each, attribute: [] } : each))
    await expect(read({ ...graph, node: turned })).rejects.toThrow(/in the graph of a VGG/)
  })
})
