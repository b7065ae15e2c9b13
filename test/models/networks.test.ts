/**
 * Whole networks against torchvision with the same weights (filled from hashes of their names): logits, loss, the gradient
 * of every parameter, and the running statistics, in training and in evaluation mode. This takes minutes.
 *
 * The golden values are float64, and each golden file records how far PyTorch's own float32 is from them. The tolerance is
 * `margin` times that, because Daybreak adds in another order (thousands of terms one by one where PyTorch's matrix
 * products add in blocks), but never less than `floor`, which is f32's precision times the depth of the networks.
 *
 * Gradients need more. Of the millions of units some are within 1e-6 of the kink of their ReLU or of a tie in their max
 * pool, and rounding decides on which side they are. Such a unit changes the gradients of its layer and of all before it by
 * its share: in the smallest layer (4 images of 2x2x512, half of them active) 1/sqrt(4096), 1.6 % of the norm. `kinks`
 * allows three of them. (Seen: resnet50 in training, channel 1788 of layer4.2.bn3 and nothing else behind it; vgg11_bn,
 * channel 438 of features.16.) The head is behind every kink, and its gradient has to be as precise as the logits. Sums of
 * gradients are not compared: a thousandth of the norm may be a large part of a sum of a million terms that cancel.
 */
import { describe, expect, test } from 'vitest'
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.js'
import type { Engine } from '../../src/autograd/engine.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { type Classifier, resnet18, resnet50, vgg11Bn, vgg16 } from '../../src/models/index.js'
import { stateDictShape } from '../../src/nn/layout.js'
import { expectClose } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { type GoldenCase, loadGolden } from '../support/golden.js'
import {
  checksumError,
  checksumOf,
  type Checksum,
  checksumRows,
  hashBatch,
  hashStateDict,
  toTorchvision,
} from '../support/hash-weights.js'

const margin = 10
const floor = 2e-5
const kinks = 5e-2
const timeout = 600_000

const holder = useEngine()

interface Attributes {
  readonly mode: 'training' | 'evaluation'
  readonly numClasses: number
  readonly batch: number
  readonly size: number
  readonly parameters: Record<string, number[]>
  readonly buffers: Record<string, number[]>
  readonly float32Error: Record<string, number>
}

const networks: Record<string, (engine: Engine, numClasses: number) => Promise<Classifier>> = {
  resnet18: (engine, numClasses) => resnet18(engine, { numClasses }),
  resnet50: (engine, numClasses) => resnet50(engine, { numClasses }),
  vgg11_bn: (engine, numClasses) => vgg11Bn(engine, { numClasses, dropout: 0 }),
  vgg16: (engine, numClasses) => vgg16(engine, { numClasses, dropout: 0 }),
}

describe.each(Object.entries(networks))('%s equals torchvision', (name, create) => {
  const { cases } = loadGolden(name)
  test.each(cases.map((golden) => [golden.name, golden] as const))(
    '%s',
    async (_mode, golden) => {
      const { engine } = holder
      const attributes = golden.attributes as unknown as Attributes
      const { mode, numClasses, batch, size } = attributes
      // without initial values, as all are replaced
      const model = await engine.device.withoutRunning(() => create(engine, numClasses))
      const shapes = [...Object.entries(attributes.parameters), ...Object.entries(attributes.buffers)]
      model.loadStateDict(hashStateDict(shapes))
      expect(shapesOf(model.namedParameters())).toEqual(attributes.parameters)
      expect(shapesOf(model.namedBuffers())).toEqual(attributes.buffers)

      const { input, labels } = hashBatch(batch, size, numClasses)
      model.train(mode === 'training')
      const logits = model.call(engine.tensor(input.data, input.shape))
      const loss = crossEntropy(logits, engine.tensor(labels.data))
      const [logitsValues, lossValue] = await Promise.all([logits.toArray(), loss.item()])
      loss.backward()

      const strict = (quantity: string) => Math.max(floor, margin * attributes.float32Error[quantity]!)
      expectClose(logitsValues, golden.tensor('logits').data, strict('logits'), 'logits')
      expectClose([lossValue], golden.tensor('loss').data, strict('loss'), 'loss')
      const gradients = new Map([...model.namedParameters()].map(([key, { grad }]) => [key, grad!]))
      for (const [key, [norm, , probe]] of await checksumErrors(gradients, golden, 'gradientChecksums')) {
        const isHead = key.startsWith(`${model.headName}.`)
        const allowed = isHead ? strict('logits') : kinks
        expect(Math.max(norm, probe), `gradient of ${key}: relative error`).toBeLessThanOrEqual(allowed)
      }
      if (mode === 'training') {
        for (const [key, errors] of await checksumErrors(model.namedBuffers(), golden, 'runningChecksums')) {
          expect(Math.max(...errors), `${key}: relative error`).toBeLessThanOrEqual(strict('running'))
        }
      }
      model.dispose()
      engine.device.trim()
    },
    timeout,
  )
})

/** The errors of norm, sum and probe of each tensor, relative to the norm. */
async function checksumErrors(
  tensors: ReadonlyMap<string, Tensor>,
  golden: GoldenCase,
  table: string,
): Promise<Map<string, Checksum>> {
  if (tensors.size === 0) return new Map()
  const actual: Checksum[] = []
  for (const [name, tensor] of tensors) {
    actual.push(checksumOf(name, toTorchvision((await tensor.toArray()) as Float32Array, tensor.shape)))
  }
  const errors = checksumError(actual, checksumRows(golden.tensor(table).data))
  return new Map([...tensors.keys()].map((name, row) => [name, errors[row]!]))
}

/** Names and torchvision's shapes. */
function shapesOf(tensors: ReadonlyMap<string, Tensor>): Record<string, number[]> {
  return Object.fromEntries(
    [...tensors].map(([name, { shape }]) => [name, stateDictShape(shape, shape.length === 4 ? 'HWIO' : 'plain')]),
  )
}
