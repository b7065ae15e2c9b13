import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { emptyMetadata, type WeightsFile } from '../weights-file.js'
import { ExternalData } from './external-data.js'
import { type OnnxGraph, readModel } from './model.js'
import { namedByModules } from './module-names.js'
import { isResidualSum, readResNet } from './resnet.js'
import { readVGG } from './vgg.js'
import { Walk } from './walk.js'
import { ProtobufFile } from './wire.js'

/**
 * Opens an ONNX model (https://github.com/onnx/onnx/blob/main/docs/IR.md) of the ResNet or VGG family. The structure of
 * its graph decides which of torchvision's names a tensor gets, since exporters give names of their own; layouts become
 * torchvision's too. A graph of another family is read where its tensors have the names of PyTorch's modules.
 *
 * Batch norms that the exporter folded into convolutions become such as only add a bias (metadata `batch_norm: 'folded'`;
 * in a VGG the convolutions have a bias of their own, and it is the VGG without batch norms). `resnet_stride: '1x1'` says
 * that a bottleneck has its stride in the first convolution, unlike torchvision's.
 *
 * The graph is read at once, without the data of its tensors; each of those when it is asked for. Data in files beside the
 * model is read in Node only.
 *
 * @throws WeightsError where the file is not valid, or its graph is none that is understood
 */
export async function openOnnx(source: ByteSource): Promise<WeightsFile> {
  const file = source.name
  const externalData = new ExternalData(file)
  try {
    const graph = await readModel(await ProtobufFile.open(source), externalData)
    const { tensors, metadata } = recognise(graph, file)
    const close = async () => {
      await Promise.all([source.close(), externalData.close()])
    }
    return { file, format: 'onnx', tensors, metadata, close }
  } catch (error) {
    await externalData.close()
    throw error
  }
}

const quantised = /^(Q[A-Z]|QuantizeLinear|DequantizeLinear|DynamicQuantize|\w+Integer$)/

function recognise(graph: OnnxGraph, file: string): Pick<WeightsFile, 'tensors' | 'metadata'> {
  const integers = graph.nodes.find(({ operator }) => quantised.test(operator))
  if (integers) {
    throw new WeightsError(file, { expected: 'a graph that computes with floats', found: `a ${integers.operator}` })
  }
  const walk = new Walk(graph, file)
  try {
    const isResNet = graph.nodes.some((node) => isResidualSum(walk, node))
    return isResNet ? readResNet(walk) : readVGG(walk)
  } catch (error) {
    // Names alone do not tell a torchvision ResNet from one that computes otherwise, with groups or dilations.
    const isLikeResNet = graph.tensors.has('layer1.0.conv1.weight')
    const tensors = error instanceof WeightsError && !isLikeResNet ? namedByModules(walk) : undefined
    if (tensors) return { tensors, metadata: emptyMetadata() }
    throw error
  }
}
