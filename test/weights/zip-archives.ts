/** What the tests of zip archives share. */
import { expect } from 'vitest'
import { WeightsError } from '../../src/device/errors.js'
import { bytesSource } from '../../src/weights/byte-source.js'
import { openZip } from '../../src/weights/zip.js'

export const open = (bytes: Uint8Array<ArrayBuffer>) => openZip(bytesSource(bytes, 'net.zip'))

export async function failure(promise: Promise<unknown>): Promise<WeightsError> {
  const error = await promise.then(
    () => new Error('the archive was accepted'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(WeightsError)
  expect((error as WeightsError).file).toBe('net.zip')
  return error as WeightsError
}

export const string = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Reads every entry whole. */
export async function contents(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, string>> {
  const entries: [string, string][] = []
  for (const [name, entry] of await open(bytes)) entries.push([name, string(await entry.read())])
  return Object.fromEntries(entries)
}

/** Python's zipfile wrote it: a folder, a file that is stored and one that is deflated. */
export const fromPython = Uint8Array.from(
  Buffer.from(
    'UEsDBBQAAAAAAAAAIQAAAAAAAAAAAAAAAAAHAAAAZm9sZGVyL1BLAwQUAAAAAAAAACEAsyROlggAAAAIAAAADQAAAGZvbGRlci9zdG9yZWRhcyBp' +
      'dCBpc1BLAwQUAAAICAAAACEAnX2sxw8AAAAjAAAABQAAAMO8YmVyS0xPzMxTSMxLUUjExQIAUEsBAhQDFAAAAAAAAAAhAAAAAAAAAAAAAAAAAAcA' +
      'AAAAAAAAAAAAAIABAAAAAGZvbGRlci9QSwECFAMUAAAAAAAAACEAsyROlggAAAAIAAAADQAAAAAAAAAAAAAAgAElAAAAZm9sZGVyL3N0b3JlZFBL' +
      'AQIUAxQAAAgIAAAAIQCdfazHDwAAACMAAAAFAAAAAAAAAAAAAACAAVgAAADDvGJlclBLBQYAAAAAAwADAKMAAACKAAAAAAA=',
    'base64',
  ),
)
