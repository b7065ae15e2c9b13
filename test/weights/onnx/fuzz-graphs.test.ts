/** Valid protobuf with a damaged graph: other operators, connections, attributes, shapes and types. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { elementCount } from '../../../src/weights/index.js'
import { anywhere } from '../../support/mutations.js'
import { resnetBuilder, vggBuilder } from './networks.js'
import { encodeModel, node, type RawGraph, type RawNode, type RawTensor } from './onnx-file.js'

const operators = [
  ...['Conv', 'BatchNormalization', 'Relu', 'MaxPool', 'Add', 'Sum', 'Gemm', 'MatMul', 'Identity', 'Dropout', 'Cast'],
  ...['Transpose', 'Expand', 'Constant', 'Flatten', 'Shape', 'AveragePool', 'GlobalAveragePool', 'Softmax', 'If', ''],
]
const attributes = [
  ...['kernel_shape', 'strides', 'pads', 'dilations', 'group', 'epsilon', 'transA', 'transB', 'alpha', 'perm'],
  ...['auto_pad', 'ceil_mode', 'spatial', 'value'],
]

const change = fc.record({
  kind: fc.constantFrom(
    'operator',
    'input',
    'output',
    'remove',
    'copy',
    'attribute',
    'shape',
    'type',
    'data',
    'rename',
  ),
  /** Which node or tensor, and which other one, name, operator, type or length. */
  at: anywhere,
  other: anywhere,
  value: fc.oneof(
    fc.integer({ min: -2, max: 8 }),
    fc.double(),
    fc.constantFrom('SAME_UPPER', 'VALID', ''),
    fc.array(fc.oneof(fc.integer({ min: -1, max: 7 }), fc.maxSafeInteger()), { maxLength: 5 }),
  ),
})
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

const pick = <T>(list: readonly T[], at: number): T => list[Math.floor(at * list.length)]!

function damaged(graph: RawGraph, { kind, at, other, value }: Change): RawGraph {
  const names = [...graph.node.flatMap(({ input, output }) => [...input, ...output]), 'data', '']
  const withNode = (make: (node: RawNode) => readonly RawNode[]): RawGraph => {
    const chosen = pick(graph.node, at)
    return { ...graph, node: graph.node.flatMap((each) => (each === chosen ? make(each) : [each])) }
  }
  const withTensor = (make: () => Partial<RawTensor>): RawGraph => {
    const chosen = pick(graph.initializer, at)
    return { ...graph, initializer: graph.initializer.map((each) => (each === chosen ? { ...each, ...make() } : each)) }
  }
  switch (kind) {
    case 'operator':
      return withNode((each) => [{ ...each, op_type: pick(operators, other) }])
    case 'input':
      return withNode((each) => {
        const place = Math.floor(other * 1000) % (each.input.length + 1)
        return [{ ...each, input: [...each.input.slice(0, place), pick(names, other), ...each.input.slice(place + 1)] }]
      })
    case 'output':
      return withNode((each) => [{ ...each, output: [pick(names, other)] }])
    case 'remove':
      return withNode(() => [])
    case 'copy':
      return withNode((each) => [each, { ...each, output: [`${each.output[0] ?? ''}/copy`] }])
    case 'attribute':
      return withNode((each) => {
        const added = node('', [], '', { [pick(attributes, other)]: value }).attribute!
        return [{ ...each, attribute: [...(each.attribute ?? []), ...added] }]
      })
    case 'shape':
      return withTensor(() => ({ dims: typeof value === 'object' ? value : [] }))
    case 'type':
      return withTensor(() => ({ data_type: Math.floor(other * 22) }))
    case 'data':
      return withTensor(() => ({ raw_data: new Uint8Array(Math.floor(other * 400)) }))
    case 'rename':
      return withTensor(() => ({ name: pick(names, other) }))
  }
}

/** Whether a file opens: with tensors whose arrays have the size of their shapes. Else a WeightsError must come out. */
async function opens(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    const opened = await openSource(bytesSource(bytes, 'fuzz.onnx'))
    for (const stored of opened.tensors.values()) {
      const { data, shape } = await stored.read()
      expect(data.length).toBe(elementCount(shape))
    }
    return true
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
    return false
  }
}

test.each([
  ['a VGG', vggBuilder({ name: (name) => name.replace('.', '_') }).graph, 6_000],
  ['a VGG with names of modules', vggBuilder({ withBatchNorm: true }).graph, 2_000],
  ['a ResNet', resnetBuilder({ block: 'basic', layers: [1, 1, 1, 1] }).graph, 2_000],
])('%s survives damage to its graph', async (_, graph, numRuns) => {
  const outcomes = new Set<boolean>()
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      outcomes.add(await opens(encodeModel(changes.reduce(damaged, graph))))
    }),
    { seed: 20261128, numRuns },
  )
  expect([...outcomes].sort()).toEqual([false, true])
})
