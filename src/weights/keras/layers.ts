import { WeightsError } from '../../device/errors.js'
import { type Hdf5Dataset, listDatasets } from './datasets.js'
import type { Hdf5File } from './hdf5-file.js'

/** A weight, and the names that Keras gives it. */
export interface KerasWeight {
  /** Names of the layers that it is in, outermost first: networks may be layers of others. */
  readonly layers: readonly string[]
  /** `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance`, or what else the layer calls it. */
  readonly kind: string
  readonly dataset: Hdf5Dataset
}

/**
 * Lists the weights of the layers in a file of Keras, in the order of the file. Weights of optimizers are left out.
 *
 * Three layouts are known:
 *
 * - `/conv1_conv/conv1_conv/kernel:0`, by `save_weights('x.h5')` of Keras 1 and 2, where Keras 1 has `/conv1/conv1_W:0`
 * - the same below `/model_weights`, by `save('x.h5')`, of Keras 3 as well, without `:0`
 * - `/layers/conv2d_4/vars/0`, by `save_weights('x.weights.h5')` of Keras 3, where an attribute of `vars` has the layer's
 *   name since Keras 3.6
 *
 * Source: https://github.com/keras-team/keras, legacy_h5_format.py and saving_lib.py.
 *
 * @throws WeightsError where the file is damaged, or does not name its layers
 */
export function listWeights(file: Hdf5File): KerasWeight[] {
  const isModel = file.run((library, id) => library.get_names(id, '/', false).includes('model_weights'))
  const root = isModel ? '/model_weights' : '/'
  const datasets = listDatasets(file, root)
  return datasets.flatMap((dataset) => {
    const groups = dataset.path
      .slice(root.length)
      .split('/')
      .filter((name) => name !== '')
    const weight = groups.pop() ?? ''
    if (groups.at(-1) !== 'vars') return [{ layers: groups, kind: kindOf(weight), dataset }]
    return groups[0] === 'optimizer' ? [] : [keras3Weight(file, groups, weight, dataset)]
  })
}

/** What Keras 1 called the weights of its layers. */
const firstNames: Readonly<Record<string, string>> = {
  W: 'kernel',
  b: 'bias',
  gamma: 'gamma',
  beta: 'beta',
  running_mean: 'moving_mean',
  running_std: 'moving_variance', // which it is: Keras 1 had a wrong name for it
}

/** `kernel:0` or `kernel_1:0` -> kernel, `conv1_W:0` or `block1_conv1_W_1:0` -> kernel; others without `:0`. */
function kindOf(weight: string): string {
  const name = weight.replace(/:\d+$/, '')
  const current = /^(kernel|bias|gamma|beta|moving_mean|moving_variance)(_\d+)?$/.exec(name)?.[1]
  if (current !== undefined) return current
  const first = /_(W|b|gamma|beta|running_mean|running_std)(_\d+)?$/.exec(name)?.[1]
  return first === undefined ? name : firstNames[first]!
}

/** The weights of Keras 3's layers, in their order, by the class of the layer. */
const orders: readonly { readonly layer: RegExp; readonly kinds: readonly string[] }[] = [
  { layer: /^(dense|conv\dd(_transpose)?)(_\d+)?$/, kinds: ['kernel', 'bias'] },
  { layer: /^batch_normalization(_\d+)?$/, kinds: ['gamma', 'beta', 'moving_mean', 'moving_variance'] },
]

function keras3Weight(file: Hdf5File, groups: string[], weight: string, dataset: Hdf5Dataset): KerasWeight {
  const name = file.text(dataset.path.slice(0, -weight.length - 1), 'name')
  if (name === undefined) {
    throw new WeightsError(file.name, {
      tensor: dataset.path.slice(1),
      expected: 'a file that names its layers, as Keras writes since 3.6',
      found: 'one that only numbers them; load it in Keras and save it again with model.save("model.h5")',
    })
  }
  const order = orders.find(({ layer }) => layer.test(groups.at(-2) ?? ''))
  return { layers: [name], kind: order?.kinds[Number(weight)] ?? weight, dataset }
}
