/**
 * The cases that other engines run too, described without any engine. What fills them is part of the description: the
 * values of `hashedValues` in Daybreak's order (images NHWC, convolution weights HWIO), with the seeds 1 for the input and
 * 2 for the weight or the right operand. Networks get weights from `hashStateDict`, in torchvision's layouts.
 */

export interface MatrixProduct {
  readonly kind: 'matmul'
  readonly name: string
  readonly rows: number
  readonly inner: number
  readonly columns: number
}

/** A square convolution, padded by half of its kernel. */
export interface Convolution {
  readonly kind: 'conv2d'
  readonly name: string
  readonly batch: number
  readonly inputs: number
  readonly side: number
  readonly outputs: number
  readonly kernel: number
  readonly stride: number
}

/** Something that treats every channel alike: a 3x3 max pool of stride 2, or a batch norm in evaluation with its ReLU. */
export interface ImageOperation {
  readonly kind: 'max-pool-2d' | 'batch-norm-relu'
  readonly name: string
  readonly batch: number
  readonly side: number
  readonly channels: number
}

/** A forward pass in evaluation, or a training step: cross-entropy, backward, Adam. Label i is i modulo the classes. */
export interface Network {
  readonly kind: 'network'
  readonly name: string
  readonly architecture: 'resnet50' | 'vgg16' | 'minivgg'
  /** [N, H, W, C] */
  readonly input: readonly [number, number, number, number]
  readonly classes: number
  readonly training: boolean
  /** Trains only this layer and what comes behind it; batch norms before it are frozen. */
  readonly freezeUntil?: string
}

export type ComparedCase = MatrixProduct | Convolution | ImageOperation | Network

export const matrixProducts: readonly MatrixProduct[] = [
  { kind: 'matmul', name: 'mm512', rows: 512, inner: 512, columns: 512 },
  { kind: 'matmul', name: 'mm1024', rows: 1024, inner: 1024, columns: 1024 },
  { kind: 'matmul', name: 'mmskinny', rows: 128, inner: 2048, columns: 10 },
]

const layers = [
  { name: 'c7s2', inputs: 3, side: 224, outputs: 64, kernel: 7, stride: 2 },
  { name: 'c1_64_256_56', inputs: 64, side: 56, outputs: 256, kernel: 1, stride: 1 },
  { name: 'c3_64_56', inputs: 64, side: 56, outputs: 64, kernel: 3, stride: 1 },
  { name: 'c3_128_28', inputs: 128, side: 28, outputs: 128, kernel: 3, stride: 1 },
  { name: 'c3_256_14', inputs: 256, side: 14, outputs: 256, kernel: 3, stride: 1 },
  { name: 'c3_512_7', inputs: 512, side: 7, outputs: 512, kernel: 3, stride: 1 },
  { name: 'c1_1024_2048_s2', inputs: 1024, side: 14, outputs: 2048, kernel: 1, stride: 2 },
]

const batches = [1, 8]

/** Convolutions of ResNet-50 and VGG16: `c<kernel>_<input channels>_<output channels if others>_<image side>_b<batch>`. */
export const convolutions: readonly Convolution[] = batches.flatMap((batch) =>
  layers.map((layer) => ({ kind: 'conv2d' as const, ...layer, name: `${layer.name}_b${batch}`, batch })),
)

/** Behind ResNet-50's first convolution. */
export const batchNorms = batches.map((batch) => imageOperation('batch-norm-relu', `bnrelu_b${batch}`, batch))
export const maxPools = batches.map((batch) => imageOperation('max-pool-2d', `maxpool_b${batch}`, batch))

function imageOperation(kind: ImageOperation['kind'], name: string, batch: number): ImageOperation {
  return { kind, name, batch, side: 112, channels: 64 }
}

const resnet50 = { kind: 'network', architecture: 'resnet50' } as const
const smallImages = { input: [32, 32, 32, 3], classes: 10 } as const
const largeImage = { input: [1, 224, 224, 3], classes: 1000 } as const

/** Whole networks: `<network>_<fwd, train or trainl4>_<image side>_b<batch>`. */
export const networks: readonly Network[] = [
  { name: 'rn50_fwd_224_b1', ...resnet50, ...largeImage, training: false },
  { name: 'rn50_fwd_32_b32', ...resnet50, ...smallImages, training: false },
  { name: 'vgg16_fwd_224_b1', kind: 'network', architecture: 'vgg16', ...largeImage, training: false },
  { name: 'rn50_train_32_b32', ...resnet50, ...smallImages, training: true },
  { name: 'rn50_trainl4_32_b32', ...resnet50, ...smallImages, training: true, freezeUntil: 'layer4' },
  {
    name: 'minivgg_train_28_b128',
    kind: 'network',
    architecture: 'minivgg',
    input: [128, 28, 28, 1],
    classes: 10,
    training: true,
  },
]

export const comparedCases: readonly ComparedCase[] = [
  ...matrixProducts,
  ...convolutions,
  ...batchNorms,
  ...maxPools,
  ...networks,
]

/** What training uses everywhere; the other options of Adam are PyTorch's defaults. */
export const adamOptions = { lr: 1e-4, eps: 1e-8 } as const

/** How many training steps are compared by their losses. */
export const comparedSteps = 4

/** The output's side of a convolution or pool. */
export function outputSide(side: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((side + 2 * padding - kernel) / stride) + 1
}

export const paddingOf = ({ kernel }: Convolution): number => (kernel - 1) / 2

/** The seeds of what `batch-norm-relu` normalises with; the variance is 1 + half of its hashed values. */
export const batchNormSeeds = { weight: 3, bias: 4, runningMean: 5, runningVar: 6 } as const
