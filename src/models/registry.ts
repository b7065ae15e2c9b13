import type { Engine } from '../autograd/engine.js'
import { OptionError } from '../device/errors.js'
import type { Classifier, ClassifierOptions } from './classifier.js'
import { minivgg } from './mini-vgg.js'
import { resnet101, resnet18, resnet34, resnet50, type ResNetOptions } from './resnet.js'
import { vgg11, vgg11Bn, vgg13, vgg13Bn, vgg16, vgg16Bn, vgg19, vgg19Bn } from './vgg.js'

/** What `createModel` takes. */
export interface CreateModelOptions extends ClassifierOptions {
  /** Only for ResNets; see `ResNetOptions`. */
  zeroInitResidual?: ResNetOptions['zeroInitResidual']
  /** Only for ResNets; see `ResNetOptions`. */
  bottleneckStride?: ResNetOptions['bottleneckStride']
}

type ModelFunction = (engine: Engine, options?: ClassifierOptions) => Promise<Classifier>

/** By torchvision's names. */
const models: ReadonlyMap<string, ModelFunction> = new Map<string, ModelFunction>([
  ['resnet18', resnet18],
  ['resnet34', resnet34],
  ['resnet50', resnet50],
  ['resnet101', resnet101],
  ['vgg11', vgg11],
  ['vgg11_bn', vgg11Bn],
  ['vgg13', vgg13],
  ['vgg13_bn', vgg13Bn],
  ['vgg16', vgg16],
  ['vgg16_bn', vgg16Bn],
  ['vgg19', vgg19],
  ['vgg19_bn', vgg19Bn],
  ['minivgg', minivgg],
])

/** The names that `createModel` knows. */
export const modelNames: readonly string[] = [...models.keys()]

/**
 * Makes a model by its name, such as `resnet50`; for programs that take the name from elsewhere.
 *
 * @throws OptionError for an unknown name (it lists the known ones), and for an option that the model does not have
 */
export async function createModel(engine: Engine, name: string, options: CreateModelOptions = {}): Promise<Classifier> {
  const model = modelFunction(name)
  for (const option of ['zeroInitResidual', 'bottleneckStride'] as const) {
    if (options[option] !== undefined && !name.startsWith('resnet')) throw new OptionError(option, 'a ResNet', name)
  }
  return model(engine, options)
}

/** How many channels the images have that a model takes. */
export function inputChannelsOf(name: string): number {
  return modelFunction(name) === minivgg ? 1 : 3
}

function modelFunction(name: string): ModelFunction {
  const model = models.get(name)
  if (!model) throw new OptionError('model', `one of ${modelNames.join(', ')}`, name)
  return model
}
