/** What PyTorch makes of a weights file, and whether a model comes to the same. `write_expected` in networks.py writes it. */
import { expect } from 'vitest'
import { imageStatistics, normalize } from '../../src/data/transforms.js'
import type { Classifier } from '../../src/models/index.js'
import { readStateDict } from '../../src/weights/index.js'
import { expectClose } from '../support/compare.js'
import { digestsOf } from '../support/digests.js'

/** What the project promises. */
const tolerance = 1e-4

/** sha256 of each tensor's bytes; null where a format keeps something equivalent, but not the bits. */
export type Digests = Readonly<Record<string, string | null>>

/** RGB images in 0..1, [N, H, W, 3]. */
export interface Images {
  readonly shape: readonly number[]
  readonly dtype: 'float32'
  readonly data: Float32Array<ArrayBuffer>
}

export interface Expected {
  readonly input: Images
  /** [N, classes]. */
  readonly logits: Float32Array
  readonly digests: Digests
}

export async function readExpected(file: string): Promise<Expected> {
  const { stateDict, metadata } = await readStateDict(file)
  return {
    input: stateDict.get('input') as Images,
    logits: stateDict.get('logits')!.data as Float32Array,
    digests: JSON.parse(metadata.digests!) as Digests,
  }
}

/** Fails unless a model has the expected tensors, bit by bit, and comes to the expected logits. */
export async function expectEqualModel(model: Classifier, expected: Expected): Promise<void> {
  expectEqualDigests(digestsOf(await model.stateDict()), expected.digests)
  expectClose(await logitsOf(model, expected.input), expected.logits, tolerance, 'logits')
}

/** Fails unless the names are the same, and the bits of all tensors of which they are expected. */
function expectEqualDigests(digests: Digests, expected: Digests): void {
  const comparable = Object.entries(digests).map(([name, digest]) => [name, expected[name] === null ? null : digest])
  expect(Object.fromEntries(comparable)).toEqual(expected)
}

/** What a model says of images, which are normalised as its weights want them. */
async function logitsOf(model: Classifier, { shape, data }: Images): Promise<Float32Array> {
  const { engine } = model
  const transform = normalize(imageStatistics(model.loadReport?.metadata ?? {}))
  const logits = engine.noGrad(() => model.eval().call(transform.apply(engine.tensor(data, shape))))
  return (await logits.toArray()) as Float32Array
}
