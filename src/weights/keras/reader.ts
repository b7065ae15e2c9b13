import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { emptyMetadata, type WeightsFile } from '../weights-file.js'
import { type Architecture, recogniseArchitecture } from './architectures.js'
import { Hdf5File } from './hdf5-file.js'
import { type KerasWeight, listWeights } from './layers.js'
import { type LayerOptions, parseLayerOptions } from './model-config.js'
import { torchTensors } from './translation.js'

/** What `keras.applications` subtracts from images, of 0..255 and in the order of RGB; it does not scale them. */
const imagenetMean = [123.68, 116.779, 103.939]

/**
 * Opens weights that Keras wrote as HDF5: `save_weights('x.h5')` and `save('x.h5')` of Keras 1 to 3, and
 * `save_weights('x.weights.h5')` since Keras 3.6. ResNet and VGG of `keras.applications` are recognised by the names of
 * their layers, and become what torchvision's network has to have to compute the same:
 *
 * - names: `conv2_block1_1_conv` (and `res2a_branch2a` until 2019) is `layer1.0.conv1`, `block1_conv1` is `features.0`
 * - layouts: kernels [height, width, in, out] are [out, in, height, width], those of dense layers [in, out] are
 *   [out, in]; VGG's first dense layer expects channels first
 * - biases of convolutions become a part of the batch norm behind, as does its epsilon, which is not torchvision's
 * - the first convolution expects RGB instead of BGR
 *
 * What cannot be in the tensors is in the metadata: `resnet_stride` ('1x1', version 1 of ResNet), and `image_mean` and
 * `image_std`, by which `keras.applications` normalises images. A file does not tell how the images were normalised that
 * its network was trained with: whoever did otherwise than `keras.applications` does (`preprocess_input`) has to say so.
 *
 * Any other network has its layers' names and PyTorch's layouts. Weights that are no floats (counters, seeds) are left
 * out. Tensors are read when they are asked for, one at a time and never as a whole beside the result. Node only.
 *
 * @throws WeightsError where the file is damaged or not from Keras, or the optional package h5wasm is not installed
 */
export async function openKeras(source: ByteSource): Promise<WeightsFile> {
  return readKeras(await Hdf5File.open(source), source)
}

/** The same for a file that is open already. */
export function readKeras(file: Hdf5File, source: ByteSource): WeightsFile {
  const weights = listWeights(file)
  if (weights.length === 0) {
    throw new WeightsError(file.name, { expected: 'weights of a Keras model', found: 'an HDF5 file without any' })
  }
  const options = parseLayerOptions(file.text('/', 'model_config'))
  const architecture = recogniseArchitecture(new Set(weights.flatMap(({ layers }) => layers)))
  const tensors = torchTensors({ file, weights, architecture, options })
  const metadata = architecture ? describeNetwork(file, weights, architecture, options) : emptyMetadata()
  const close = async () => {
    file.close()
    await source.close()
  }
  return { file: file.name, format: 'keras', tensors, metadata, close }
}

/** How the network differs from torchvision's, in what is not in the tensors. */
function describeNetwork(
  file: Hdf5File,
  weights: readonly KerasWeight[],
  { name, stem, firstOfBottleneck }: Architecture,
  options: LayerOptions,
): Record<string, string> {
  const metadata = emptyMetadata()
  const first = weights.find(({ layers, kind }) => kind === 'kernel' && layers.includes(stem.layer))
  const [height, width, inputs, outputs] = first?.dataset.shape ?? []
  if (height !== stem.size || width !== stem.size || outputs !== stem.channels) {
    throw new WeightsError(file.name, {
      tensor: stem.layer,
      expected: `the kernel of ${name}, [${stem.size}, ${stem.size}, 3, ${stem.channels}], as TensorFlow orders it`,
      found: `[${first?.dataset.shape.join(', ') ?? ''}]`,
    })
  }
  if (inputs === 3) {
    metadata.image_mean = JSON.stringify(imagenetMean.map((mean) => mean / 255))
    metadata.image_std = JSON.stringify(imagenetMean.map(() => 1 / 255))
  }
  if (firstOfBottleneck !== undefined && !isStrideOne(options.get(firstOfBottleneck)?.strides)) {
    metadata.resnet_stride = '1x1'
  }
  return metadata
}

/** Whether a model says that its strides are elsewhere than those of `keras.applications`. */
function isStrideOne(strides: unknown): boolean {
  return Array.isArray(strides) && strides.every((stride) => stride === 1)
}
