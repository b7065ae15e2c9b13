import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { WeightsError } from '../../../src/device/errors.js'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openWeights } from '../../../src/weights/files.js'
import { openKeras } from '../../../src/weights/keras/reader.js'
import { kerasFile } from './files.js'

const source = (name: string) => bytesSource(kerasFile(name), 'net.h5')

test('a library that takes ever more memory is brought down', async () => {
  await expect(openKeras(source('endless-group'))).rejects.toThrow(/takes the library more than 512\.0 MiB/)
})

test('a source that cannot be read at once is read as a whole', async () => {
  const slow = { ...source('plain'), readSync: undefined }
  const [whole, piecewise] = await Promise.all([openKeras(slow), openKeras(source('plain'))])
  expect([...whole.tensors.keys()]).toEqual([...piecewise.tensors.keys()])
  for (const [name, tensor] of whole.tensors) {
    expect(await tensor.read()).toEqual(await piecewise.tensors.get(name)!.read())
  }
})

test('a source that fails is a WeightsError, and so is every later use of the file', async () => {
  let isBroken = false
  const failing = {
    ...source('plain'),
    readSync: (target: Uint8Array, begin: number) => {
      if (isBroken) throw new Error('the disk is gone')
      return source('plain').readSync!(target, begin)
    },
  }
  const opened = await openKeras(failing)
  isBroken = true
  for (let use = 0; use < 2; use++) {
    const reading = opened.tensors.get('out.weight')!.read()
    await expect(reading).rejects.toThrow(WeightsError)
    await expect(reading).rejects.toThrow(/the disk is gone/)
  }
})

test('files of the machine are out of reach', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'daybreak-'))
  try {
    await writeFile(path.join(folder, 'net.h5'), kerasFile('external-storage')) // its elements are those of /etc/passwd
    const opened = await openWeights(path.join(folder, 'net.h5'))
    await expect(opened.tensors.get('dense.bias')!.read()).rejects.toThrow(/unable to open external raw data file/)
    await opened.close()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('an error of one tensor leaves the others readable', async () => {
  const bytes = kerasFile('compressed')
  const opened = await openKeras(bytesSource(bytes, 'net.h5'))
  // damage the compressed elements of a single dataset, which begin with the header of zlib's format
  const starts = [...bytes.keys()].filter((at) => bytes[at] === 0x78 && [0x5e, 0x9c].includes(bytes[at + 1]!))
  bytes.fill(0xff, starts[0]! + 2, starts[0]! + 8)
  const outcomes = await Promise.allSettled([...opened.tensors.values()].map((tensor) => tensor.read()))
  const failed = outcomes.filter(({ status }) => status === 'rejected')
  expect(failed.length).toBe(1)
  expect(outcomes.length).toBe(8)
})
