/**
 * The layers of keras.applications' networks with the shapes of their weights, as its sources build them; but for the
 * first convolution, channels are few.
 */

/** Shapes of weights by their paths in a file. */
export type Shapes = ReadonlyMap<string, readonly number[]>

export interface Naming {
  readonly stem: readonly [convolution: string, batchNorm: string]
  /** Of a layer in a bottleneck: stages count from 2, blocks from 0, and part 0 is the shortcut. */
  layer(type: 'conv' | 'bn', stage: number, block: number, part: number): string
  readonly head: string
  /** The path of a weight in the group of its layer. */
  weight(layer: string, kind: string): string
}

/** keras_applications/resnet_common.py; weights are called as Keras 2 does. */
export const present: Naming = {
  stem: ['conv1_conv', 'conv1_bn'],
  layer: (type, stage, block, part) => `conv${stage}_block${block + 1}_${part}_${type}`,
  head: 'predictions',
  weight: (layer, kind) => `${layer}/${kind}:0`,
}

const branches = ['1', '2a', '2b', '2c']
const firstKinds = new Map([
  ['kernel', 'W'],
  ['bias', 'b'],
  ['moving_mean', 'running_mean'],
  ['moving_variance', 'running_std'],
])

/** keras_applications/resnet50.py until 2019; weights are called as in its files, which Keras 1 wrote. */
export const past: Naming = {
  stem: ['conv1', 'bn_conv1'],
  layer: (type, stage, block, part) =>
    `${type === 'conv' ? 'res' : 'bn'}${stage}${'abcdef'[block]}_branch${branches[part]}`,
  head: 'fc1000',
  weight: (layer, kind) => `${layer}_${firstKinds.get(kind) ?? kind}:0`,
}

/** @param blocks how many each stage has */
export function resnetShapes(blocks: readonly number[], naming: Naming): Shapes {
  const shapes = new Map<string, readonly number[]>()
  const add = (layer: string, kind: string, shape: readonly number[]) =>
    shapes.set(`${layer}/${naming.weight(layer, kind)}`, shape)
  const normalized = (convolution: string, batchNorm: string, kernel: readonly number[]) => {
    add(convolution, 'kernel', kernel)
    add(convolution, 'bias', kernel.slice(-1))
    for (const kind of ['gamma', 'beta', 'moving_mean', 'moving_variance']) add(batchNorm, kind, kernel.slice(-1))
  }
  normalized(...naming.stem, [7, 7, 3, 64])
  blocks.forEach((count, index) => {
    for (let block = 0; block < count; block++) {
      for (let part = block === 0 ? 0 : 1; part <= 3; part++) {
        const [convolution, batchNorm] = (['conv', 'bn'] as const).map((type) =>
          naming.layer(type, index + 2, block, part),
        )
        const size = part === 2 ? 3 : 1
        normalized(convolution!, batchNorm!, [size, size, 3 + part, 2 + part])
      }
    }
  })
  add(naming.head, 'kernel', [5, 7])
  add(naming.head, 'bias', [7])
  return shapes
}

/**
 * keras_applications/vgg16.py and vgg19.py.
 *
 * @param convolutions how many each block has
 */
export function vggShapes(convolutions: readonly number[]): Shapes {
  const shapes = new Map<string, readonly number[]>()
  const add = (layer: string, kernel: readonly number[]) => {
    shapes.set(`${layer}/${layer}/kernel:0`, kernel)
    shapes.set(`${layer}/${layer}/bias:0`, kernel.slice(-1))
  }
  convolutions.forEach((count, index) => {
    for (let i = 1; i <= count; i++) add(`block${index + 1}_conv${i}`, index + i === 1 ? [3, 3, 3, 64] : [3, 3, 2, 3])
  })
  add('fc1', [3 * 2 * 512, 4])
  add('fc2', [4, 5])
  add('predictions', [5, 7])
  return shapes
}
