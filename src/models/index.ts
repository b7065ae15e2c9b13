/**
 * Whole networks: ResNet and VGG exactly as in torchvision 0.14 (names, shapes, initial values), and MiniVGG.
 *
 * What lives in src/models: architectures, and how their weights are loaded from files. What does not: layers (src/nn),
 * file formats (src/weights), training (src/training).
 */
export { Classifier, type ClassifierOptions, type WeightsOptions, type WeightsReport } from './classifier.js'
export { fitTensors } from './fit.js'
export { MiniVGG, minivgg, type MiniVGGOptions } from './mini-vgg.js'
export { createModel, type CreateModelOptions, inputChannelsOf, modelNames } from './registry.js'
export {
  BasicBlock,
  Bottleneck,
  type BottleneckStride,
  ResNet,
  resnet101,
  resnet18,
  resnet34,
  resnet50,
  type ResNetOptions,
} from './resnet.js'
export { VGG, vgg11, vgg11Bn, vgg13, vgg13Bn, vgg16, vgg16Bn, vgg19, vgg19Bn, type VGGOptions } from './vgg.js'
export { summary, type SummaryOptions } from '../nn/summary.js'
