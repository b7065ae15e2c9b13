/** The networks of keras.applications that torchvision has as well, and what torchvision calls their layers. */

export interface Architecture {
  /** What it is, for errors. */
  readonly name: string
  /** torchvision's module of a layer, such as `layer1.0.conv1` of `conv2_block1_1_conv`; undefined for foreign layers. */
  moduleOf(layer: string): string | undefined
  /** The first convolution and its kernel's height, width and output channels. */
  readonly stem: { readonly layer: string; readonly size: number; readonly channels: number }
  /** What its batch norms add to variances, where it is not Keras' default. */
  readonly epsilon?: number
  /** The first 1x1 convolution of a bottleneck that halves the image: it has the stride in version 1 of ResNet. */
  readonly firstOfBottleneck?: string
  /** Channels of the image that the first dense layer gets flattened, and torchvision's module of it. */
  readonly flattened?: { readonly module: string; readonly channels: number }
}

/**
 * Which network a file is of, by the names of its layers. Some are also in other networks, such as `conv2_block1_1_conv`
 * in DenseNet and ResNetV2, or `block1_conv1` in Xception: each has layers asked for that only it has.
 */
export function recogniseArchitecture(layers: ReadonlySet<string>): Architecture | undefined {
  const has = (...names: string[]) => names.every((name) => layers.has(name))
  if (has('conv1_conv', 'conv1_bn', 'conv2_block1_0_bn', 'conv2_block1_3_bn')) return resnet
  if (has('conv1', 'bn_conv1', 'res2a_branch1', 'bn2a_branch2c')) return firstResnet
  if (has('block1_conv1', 'block1_conv2', 'block5_conv1')) return vgg(layers)
  return undefined
}

/** keras_applications/resnet_common.py, and keras/src/applications/resnet.py of Keras 3. */
const resnet: Architecture = {
  name: 'ResNet',
  stem: { layer: 'conv1_conv', size: 7, channels: 64 },
  epsilon: 1.001e-5,
  firstOfBottleneck: 'conv3_block1_1_conv',
  moduleOf: (layer) => {
    if (layer === 'conv1_conv') return 'conv1'
    if (layer === 'conv1_bn') return 'bn1'
    if (layer === 'predictions' || layer === 'probs') return 'fc'
    const [, stage, block, part, type] = /^conv([2-5])_block(\d+)_([0-3])_(conv|bn)$/.exec(layer) ?? []
    return part === undefined ? undefined : bottleneckModule(Number(stage), Number(block), Number(part), type!)
  },
}

/** keras_applications/resnet50.py, until 2019. */
const firstResnet: Architecture = {
  name: 'ResNet',
  stem: { layer: 'conv1', size: 7, channels: 64 },
  firstOfBottleneck: 'res3a_branch2a',
  moduleOf: (layer) => {
    if (layer === 'conv1') return 'conv1'
    if (layer === 'bn_conv1') return 'bn1'
    if (layer === 'fc1000') return 'fc'
    const [, type, stage, block, branch] = /^(res|bn)([2-5])([a-z])_branch(1|2[abc])$/.exec(layer) ?? []
    if (branch === undefined) return undefined
    const part = ['1', '2a', '2b', '2c'].indexOf(branch)
    return bottleneckModule(Number(stage), letters.indexOf(block!) + 1, part, type === 'res' ? 'conv' : 'bn')
  },
}

const letters = 'abcdefghijklmnopqrstuvwxyz'

/** Keras counts stages from 2 and blocks from 1; part 0 is the shortcut. */
function bottleneckModule(stage: number, block: number, part: number, type: string): string {
  const module = part > 0 ? `${type}${part}` : `downsample.${type === 'conv' ? 0 : 1}`
  return `layer${stage - 1}.${block - 1}.${module}`
}

/** keras_applications/vgg16.py and vgg19.py. torchvision counts activations and poolings as well as convolutions. */
function vgg(layers: ReadonlySet<string>): Architecture {
  const modules = new Map([
    ['fc1', 'classifier.0'],
    ['fc2', 'classifier.3'],
    ['predictions', 'classifier.6'],
  ])
  let index = 0
  for (let block = 1; block <= 5; block++) {
    for (let convolution = 1; layers.has(`block${block}_conv${convolution}`); convolution++) {
      modules.set(`block${block}_conv${convolution}`, `features.${index}`)
      index += 2
    }
    index += 1
  }
  return {
    name: 'VGG',
    stem: { layer: 'block1_conv1', size: 3, channels: 64 },
    flattened: { module: 'classifier.0', channels: 512 },
    moduleOf: (layer) => modules.get(layer),
  }
}
