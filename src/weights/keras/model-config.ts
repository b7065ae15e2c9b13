/** The description of a network that `model.save` puts into a file, beside the weights. */
import { isObject } from '../json.js'

/** Options of the layers, by their names. */
export type LayerOptions = ReadonlyMap<string, Readonly<Record<string, unknown>>>

/** Networks that are layers of others; nobody nests them deeper. */
const deepestNesting = 8

/**
 * Reads the attribute `model_config`: `{"config": {"layers": [{"config": {"name": "conv1_bn", "epsilon": 1.001e-05}}]}}`.
 * What is not as expected is left out: it is only used where it is there.
 */
export function parseLayerOptions(text: string | undefined): LayerOptions {
  const options = new Map<string, Record<string, unknown>>()
  try {
    collect(JSON.parse(text ?? '{}'), options, deepestNesting)
  } catch {
    options.clear() // no JSON
  }
  return options
}

function collect(layer: unknown, options: Map<string, Record<string, unknown>>, depth: number): void {
  if (depth === 0 || !isObject(layer) || !isObject(layer.config)) return
  const { name, layers } = layer.config
  if (typeof name === 'string') options.set(name, layer.config)
  if (!Array.isArray(layers)) return
  for (const each of layers) collect(each, options, depth - 1)
}
