import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { elementCount } from '../../../src/weights/index.js'
import { mutateAll, mutation } from '../../support/mutations.js'

/** Either tensors whose arrays have the size of their shapes, or a WeightsError: nothing else may come out. */
async function opensOrRefuses(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const opened = await openSource(bytesSource(bytes, 'fuzz.onnx'))
    for (const stored of opened.tensors.values()) {
      const { data, shape } = await stored.read()
      expect(data.length).toBe(elementCount(shape))
      expect(data.byteLength).toBeLessThanOrEqual(8 * bytes.length + 1024)
    }
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error
  }
}

const file = (name: string) => Uint8Array.from(readFileSync(new URL(`exported/${name}`, import.meta.url)))

/** Tags of fields, small lengths, and the ends of varints. */
const damage = fc.array(mutation([8, 10, 18, 26, 34, 42, 50, 58, 66, 74, 0, 1, 2, 4, 127, 128, 255]), {
  minLength: 1,
  maxLength: 5,
})

test.each([
  ['vgg.plain.onnx', 5_000],
  ['vgg_bn.plain.onnx', 3_000],
  ['basic.folded.onnx', 2_000],
  ['bottleneck.plain.onnx', 1_000],
])('%s survives %i mutations', async (name, numRuns) => {
  const bytes = file(name)
  await expect(openSource(bytesSource(bytes, name))).resolves.toMatchObject({ format: 'onnx' })
  await fc.assert(
    fc.asyncProperty(damage, (mutations) => opensOrRefuses(mutateAll(bytes, mutations))),
    { seed: 20261126, numRuns },
  )
})
