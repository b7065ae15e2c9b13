import type { Engine } from '../autograd/engine.js'
import { type LoadReport, matchState } from '../nn/match.js'
import type { NamedArray, StoredArray } from '../nn/state-dict.js'
import { createModel } from './registry.js'

/**
 * The tensors that a network has, in its order, from those of a file. The head may be for any number of classes; counters
 * (`num_batches_tracked`) that the file has not are zero. Nothing is read.
 *
 * @param source what errors call the file
 * @throws WeightsError when tensors are missing or unexpected, or of another shape or type
 */
export async function fitTensors(
  engine: Engine,
  architecture: string,
  tensors: ReadonlyMap<string, StoredArray>,
  source?: string,
): Promise<{ tensors: Map<string, StoredArray>; report: LoadReport }> {
  const model = await engine.device.withoutRunning(() => createModel(engine, architecture))
  try {
    const classes = tensors.get(`${model.headName}.weight`)?.shape[0] ?? model.numClasses
    if (classes !== model.numClasses && classes > 0) engine.device.withoutRunning(() => model.replaceHead(classes))
    const { matches, report } = matchState(model, tensors, { source })
    const found = new Map(matches.map(({ name, array }) => [name, array]))
    const names = [...model.namedState().keys()]
    return { tensors: new Map(names.map((name) => [name, found.get(name) ?? zeroCounter])), report }
  } finally {
    model.dispose()
  }
}

const zero: NamedArray = { shape: [], dtype: 'int64', data: new BigInt64Array(1) }
const zeroCounter: StoredArray = { shape: [], dtype: 'int64', read: () => Promise.resolve(zero) }
