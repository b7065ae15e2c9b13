/** What a file in memory gives when it is opened and all of it is read. */
import { expect } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'

export async function read(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, number[]>> {
  const opened = await openSource(bytesSource(bytes, 'net.pth'))
  const arrays: [string, number[]][] = []
  for (const [name, stored] of opened.tensors) arrays.push([name, Array.from((await stored.read()).data, Number)])
  return Object.fromEntries(arrays)
}

/** The message of the `WeightsError` that it must give. */
export async function failure(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const error = await read(bytes).then(
    (arrays) => new Error(`it was accepted: ${JSON.stringify(arrays)}`),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  return (error as WeightsError).message
}
