/** VGGs as ONNX graphs -> torchvision's names (https://github.com/pytorch/vision/blob/main/torchvision/models/vgg.py). */
import { readConvolution, readLinear, readMaxPool } from './layers.js'
import { Recognised } from './recognised.js'
import { flattening, outputOf, type Walk } from './walk.js'

/** The linear layers in `classifier`, with a ReLU and a dropout between them. */
const linearNames = ['classifier.0', 'classifier.3', 'classifier.6']

/**
 * Reads a graph without branches as VGG-11, -13, -16 or -19, with or without batch norms, or one of another depth. Where
 * the batch norms were folded into the convolutions, it is the VGG without them.
 *
 * @throws WeightsError where it has another structure; it says what was found, and where
 */
export function readVGG(walk: Walk): Recognised {
  walk.family = 'a VGG'
  const result = new Recognised()
  const { output, channels } = readFeatures(walk, walk.start(), result)
  readClassifier(walk, readAveragePool(walk, output), channels, result)
  return result
}

/** Names are places in a list in which convolutions, batch norms, ReLUs and pools have one each. */
function readFeatures(walk: Walk, input: string, result: Recognised): { output: string; channels: number } {
  const withBatchNorm = new Set<boolean>()
  let [at, channels] = [input, 0]
  for (let place = 0, number = 1; ; number++) {
    walk.place = `in layer ${number}`
    if (walk.isNext(at, 'MaxPool')) {
      at = readMaxPool(walk, at, { kernel: 2, stride: 2, padding: 0 })
      place += 1
    } else if (channels === 0 || walk.isNext(at, 'Conv')) {
      const layer = readConvolution(walk, at)
      if (layer.kernel !== 3 || layer.stride !== 1 || !layer.hasRelu) {
        const found = `${layer.kernel}x${layer.kernel}, stride ${layer.stride}${layer.hasRelu ? '' : ', without ReLU'}`
        walk.fail('a convolution of 3x3, stride 1, with a ReLU', found)
      }
      if (channels !== 0 && layer.inChannels !== channels) walk.fail(`${channels} channels`, `${layer.inChannels}`)
      result.addConvolution(`features.${place}`, `features.${place + 1}`, layer)
      withBatchNorm.add(layer.batchNorm !== undefined)
      channels = layer.outChannels
      place += layer.batchNorm ? 3 : 2
      at = layer.output
    } else {
      if (withBatchNorm.size > 1) walk.fail('batch norms behind all convolutions or none', 'behind some')
      return { output: at, channels }
    }
  }
}

/** The pool to 7x7, of which nothing is left where the image had the usual size. */
function readAveragePool(walk: Walk, at: string): string {
  return walk.isNext(at, 'AveragePool') ? outputOf(walk.next(at, 'AveragePool')) : at
}

function readClassifier(walk: Walk, input: string, channels: number, result: Recognised): void {
  let at = walk.skip(input, flattening)
  let features: number | undefined
  linearNames.forEach((name, i) => {
    walk.place = `in linear layer ${i + 1} of ${linearNames.length}`
    const layer = readLinear(walk, at)
    const fits = features === undefined ? layer.inFeatures % channels === 0 : layer.inFeatures === features
    if (!fits) walk.fail(`${features ?? `a multiple of ${channels}`} inputs`, `${layer.inFeatures}`)
    result.addLinear(name, layer)
    features = layer.weight.shape[0]!
    at = i < 2 ? outputOf(walk.next(layer.output, 'Relu')) : layer.output
  })
  walk.place = 'behind the last linear layer'
  walk.finish(at)
}
