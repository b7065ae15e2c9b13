/** Networks of other families, whose tensors have the names that PyTorch's modules gave them. */
import type { StoredTensor } from '../weights-file.js'
import type { OnnxNode } from './model.js'
import type { Walk } from './walk.js'

/** What PyTorch calls the stored inputs of a layer, by their number. */
const parts: Readonly<Record<string, readonly string[]>> = {
  Conv: ['', 'weight', 'bias'],
  ConvTranspose: ['', 'weight', 'bias'],
  Gemm: ['', 'weight', 'bias'],
  MatMul: ['', 'weight'],
  BatchNormalization: ['', 'weight', 'bias', 'running_mean', 'running_var'],
}

/** A parameter or buffer of a module in the network; exporters' own names have no dots, or colons and slashes as well. */
const parameterName = /^[^\s:/]+\.[^\s.:/]+$/

/**
 * The tensors with names of modules, in the order of the file, if every layer's have them and lie as PyTorch's do: one
 * module for each layer, so that nothing was folded or transposed under an old name.
 */
export function namedByModules(walk: Walk): Map<string, StoredTensor> | undefined {
  const { nodes, tensors } = walk.graph
  const layers = nodes.filter(({ operator }) => Object.hasOwn(parts, operator))
  if (layers.length === 0 || !layers.every((node) => isNamedByModule(walk, node))) return undefined
  // an exporter keeps one of two equal tensors; the other's name is then that of an Identity node's output
  const copies = nodes.flatMap(({ operator, outputs }) => (operator === 'Identity' ? outputs : []))
  const named = new Map<string, StoredTensor>()
  for (const name of [...tensors.keys(), ...copies]) {
    const stored = parameterName.test(name) ? walk.stored(name) : undefined
    if (stored) named.set(name, stored.tensor)
  }
  return named
}

function isNamedByModule(walk: Walk, { operator, inputs, attributes }: OnnxNode): boolean {
  const modules = new Set<string>()
  for (const [input, part] of parts[operator]!.entries()) {
    const name = inputs[input]
    if (part === '' || !name) continue
    const stored = walk.stored(name)
    if (stored?.isExpanded) continue // zeros for a bias that the module has not
    const named = stored?.isTransposed ? stored.name : name
    if (stored?.isTransposed !== (operator === 'MatMul') || !named.endsWith(`.${part}`)) return false
    modules.add(named.slice(0, -part.length))
  }
  const isPlainGemm =
    attributes.get('transB')?.integer === 1 &&
    (attributes.get('transA')?.integer ?? 0) === 0 &&
    ['alpha', 'beta'].every((scale) => (attributes.get(scale)?.float ?? 1) === 1)
  return modules.size === 1 && (operator !== 'Gemm' || isPlainGemm)
}
