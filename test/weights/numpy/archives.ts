/** Archives of one array, stored and compressed: both must come to the same. */
import { expect } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import type { NamedArray } from '../../../src/nn/state-dict.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { bytesOf, deflated, type RawEntry, rawZip, stored } from './raw.js'

export const open = (entries: readonly RawEntry[]) => openSource(bytesSource(rawZip(entries), 'net.npz'))

/** The array of an archive that holds one, as it is stored and compressed. */
export async function readOne(npy: Uint8Array): Promise<NamedArray> {
  const arrays: NamedArray[] = []
  for (const kind of [stored, deflated]) {
    const { tensors, format } = await open([kind('t.npy', npy)])
    expect(format).toBe('numpy')
    const tensor = tensors.get('t')!
    const array = await tensor.read()
    expect(tensor).toMatchObject({ shape: array.shape, dtype: array.dtype })
    arrays.push(array)
  }
  expect(arrays[0]).toEqual(arrays[1])
  return arrays[0]!
}

/** The error about an archive of one array, which is the same stored and compressed. */
export async function refusal(npy: Uint8Array): Promise<string> {
  const messages: string[] = []
  for (const kind of [stored, deflated]) {
    const error = await open([kind('t.npy', npy)]).then(
      () => new Error('the archive was accepted'),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(WeightsError)
    expect((error as WeightsError).detail.tensor).toBe('t')
    messages.push((error as WeightsError).message)
  }
  expect(messages[0]).toBe(messages[1])
  return messages[0]!
}

/** 1 to 6 in two bytes each. */
export const six = bytesOf(new Int16Array([1, 2, 3, 4, 5, 6]))
