/**
 * ModelProto, GraphProto and NodeProto of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, as far as weights need
 * them: the nodes, the tensors that are stored, and what comes in and goes out.
 */
import { WeightsError } from '../../device/errors.js'
import type { StoredTensor } from '../weights-file.js'
import type { ExternalData } from './external-data.js'
import { readTensor } from './tensor.js'
import type { ProtobufFile, Range } from './wire.js'

/** What a node is told beside its inputs; one of these is set. */
export interface OnnxAttribute {
  integer?: number
  integers?: number[]
  float?: number
  text?: string
  tensor?: StoredTensor
}

interface NamedAttribute extends OnnxAttribute {
  name: string
}

export interface OnnxNode {
  readonly name: string
  /** Such as "Conv". */
  readonly operator: string
  /** Whose operator it is: empty for ONNX's own. */
  readonly domain: string
  /** Names of tensors; empty for one that is left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, Readonly<OnnxAttribute>>
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  /** Initializers, and the values of Constant nodes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Names of what comes in; older files list the initializers here too. */
  readonly inputs: readonly string[]
}

/**
 * Reads the graph of an ONNX model. The data of its tensors stays where it is.
 *
 * @throws WeightsError where the file is not valid
 */
export async function readModel(file: ProtobufFile, externalData: ExternalData): Promise<OnnxGraph> {
  const graphs: Range[] = []
  for await (const field of file.fields({ begin: 0, end: file.source.size })) {
    if (field.number === 7) graphs.push(file.message(field))
  }
  if (graphs.length === 1) return readGraph(file, graphs[0]!, externalData)
  throw new WeightsError(file.source.name, { expected: 'an ONNX model with a graph', found: `${graphs.length} graphs` })
}

async function readGraph(file: ProtobufFile, message: Range, externalData: ExternalData): Promise<OnnxGraph> {
  const nodes: OnnxNode[] = []
  const tensors = new Map<string, StoredTensor>()
  const inputs: string[] = []
  const add = (name: string, tensor: StoredTensor): void => {
    if (tensors.has(name)) {
      throw new WeightsError(file.source.name, { tensor: name, expected: 'every tensor once', found: 'it twice' })
    }
    tensors.set(name, tensor)
  }
  for await (const field of file.fields(message)) {
    switch (field.number) {
      case 1: {
        const node = await readNode(file, file.message(field), externalData)
        const value = node.operator === 'Constant' ? node.attributes.get('value')?.tensor : undefined
        if (value) add(node.outputs[0] ?? '', value)
        else nodes.push(node)
        break
      }
      case 5: {
        const { name, tensor } = await readTensor(file, file.message(field), externalData)
        add(name, tensor)
        break
      }
      case 11:
        inputs.push(await readName(file, file.message(field)))
        break
      case 15:
        throw new WeightsError(file.source.name, { expected: 'dense tensors', found: 'a sparse one' })
    }
  }
  return { nodes, tensors, inputs }
}

async function readNode(file: ProtobufFile, message: Range, externalData: ExternalData): Promise<OnnxNode> {
  const texts: Record<number, string[]> = { 1: [], 2: [], 3: [], 4: [], 7: [] }
  const attributes = new Map<string, OnnxAttribute>()
  for await (const field of file.fields(message)) {
    texts[field.number]?.push(await file.text(field))
    if (field.number !== 5) continue
    const { name, ...attribute } = await readAttribute(file, file.message(field), externalData)
    attributes.set(name, attribute)
  }
  const [name, operator, domain] = [3, 4, 7].map((field) => texts[field]!.at(-1) ?? '') as [string, string, string]
  return {
    name,
    operator,
    domain: domain === 'ai.onnx' ? '' : domain,
    inputs: texts[1]!,
    outputs: texts[2]!,
    attributes,
  }
}

/** An AttributeProto. Graphs, and lists of anything but integers, belong to nodes that are not understood anyway. */
async function readAttribute(file: ProtobufFile, message: Range, externalData: ExternalData): Promise<NamedAttribute> {
  const attribute: NamedAttribute = { name: '' }
  for await (const field of file.fields(message)) {
    switch (field.number) {
      case 1:
        attribute.name = await file.text(field)
        break
      case 2:
        attribute.float = await file.float(field)
        break
      case 3:
        attribute.integer = await file.integer(field)
        break
      case 4:
        attribute.text = await file.text(field)
        break
      case 5:
        attribute.tensor = (await readTensor(file, file.message(field), externalData)).tensor
        break
      case 8:
        attribute.integers ??= []
        for (const integer of await file.integers(field)) attribute.integers.push(integer)
    }
  }
  return attribute
}

/** The name in a ValueInfoProto. */
async function readName(file: ProtobufFile, message: Range): Promise<string> {
  let name = ''
  for await (const field of file.fields(message)) {
    if (field.number === 1) name = await file.text(field)
  }
  return name
}
