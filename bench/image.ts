import { normalizeImages } from '../src/autograd/ops/normalize-images.js'
import { suite } from './support/case.js'
import { forwardCase } from './support/operation.js'

export default suite(
  'image',
  images('normalize_mnist_b128', [128, 28, 28, 1]),
  images('normalize_rgb_b32', [32, 224, 224, 3]),
)

function images(name: string, shape: readonly [number, number, number, number]) {
  return forwardCase({
    name,
    shape: `${shape.join('x')} bytes`,
    inputs: {},
    constants: (engine) => engine.tensor(new Uint8Array(shape[0] * shape[1] * shape[2] * shape[3]), shape),
    run: (_inputs, bytes) => normalizeImages(bytes, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }),
  })
}
