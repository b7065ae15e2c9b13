/** What NumPy itself makes of files from here, and the other way, where there is a Python that has NumPy. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readStateDict, type StateDict, writeStateDict } from '../../../src/weights/index.js'

const execute = promisify(execFile)

async function findPython(): Promise<string | undefined> {
  const named = process.env.DAYBREAK_PYTHON
  for (const command of named === undefined ? ['/usr/bin/python3', 'python3'] : [named]) {
    const hasNumpy = await execute(command, ['-c', 'import numpy']).then(
      () => true,
      () => false,
    )
    if (hasNumpy) return command
  }
  return undefined
}

const python = await findPython()
const skipped = python === undefined ? ' (skipped: found no Python with numpy)' : ''

/** Runs Python text with file names as its arguments; gives what it prints as JSON. */
async function runPython(script: string, ...files: string[]): Promise<unknown> {
  const { stdout } = await execute(python!, ['-c', script, ...files])
  return JSON.parse(stdout)
}

describe.skipIf(python === undefined)(`NumPy${skipped}`, () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'daybreak-numpy-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('loads what was written, without pickles', async () => {
    const file = path.join(folder, 'written.npz')
    const dict: StateDict = new Map([
      ['conv1.weight', { shape: [2, 1, 3], dtype: 'float32', data: new Float32Array([1, -2.5, 3, 0, 0.125, 6]) }],
      ['bn1.num_batches_tracked', { shape: [], dtype: 'int64', data: new BigInt64Array([-(2n ** 60n)]) }],
      ['a/b/größe', { shape: [3], dtype: 'bool', data: new Uint8Array([1, 0, 1]) }],
      ['', { shape: [1, 2], dtype: 'uint8', data: new Uint8Array([0, 255]) }],
      ['index', { shape: [2], dtype: 'int32', data: new Int32Array([-5, 2147483647]) }],
      ['empty', { shape: [0, 3], dtype: 'float32', data: new Float32Array() }],
    ])
    await writeStateDict(file, dict)
    const script = `
import json, numpy, sys, zipfile
arrays = numpy.load(sys.argv[1], allow_pickle=False)
print(json.dumps([[name, str(a.dtype), a.shape, a.tolist()] for name, a in arrays.items()]))
assert zipfile.ZipFile(sys.argv[1]).testzip() is None`
    const text = JSON.stringify(await runPython(script, file))
    expect(text).toBe(
      JSON.stringify([
        ['conv1.weight', 'float32', [2, 1, 3], [[[1, -2.5, 3]], [[0, 0.125, 6]]]],
        ['bn1.num_batches_tracked', 'int64', [], -(2 ** 60)],
        ['a/b/größe', 'bool', [3], [true, false, true]],
        ['', 'uint8', [1, 2], [[0, 255]]],
        ['index', 'int32', [2], [-5, 2147483647]],
        ['empty', 'float32', [0, 3], []],
      ]),
    )
  })

  it.each(['savez', 'savez_compressed'])('writes by %s what is read', async (save) => {
    const file = path.join(folder, `${save}.npz`)
    const script = `
import numpy, sys
values = numpy.arange(-12, 12).reshape(2, 3, 4)
types = ['<f2', '<f4', '<f8', '>f2', '>f4', '>f8', '|b1', '|i1', '|u1', '<i2', '>i2', '<u2', '>u2', '<i4', '>i4', '<i8', '>i8']
arrays = {t: values.astype(t) for t in types}
arrays['fortran'] = numpy.asfortranarray(values.astype('f4'))
arrays['transposed'] = values.astype('>i2').T
arrays['scalar'] = numpy.float32(2.5)
numpy.${save}(sys.argv[1], **arrays)
print('null')`
    await runPython(script, file)
    const { stateDict } = await readStateDict(file)
    const values = Array.from({ length: 24 }, (_, i) => i - 12)
    const cast: Record<string, (value: number) => number> = {
      '|b1': (value) => Number(value !== 0),
      '|u1': (value) => value & 0xff,
      '<u2': (value) => value & 0xffff,
      '>u2': (value) => value & 0xffff,
    }
    expect(stateDict.size).toBe(20)
    for (const [name, { shape, data }] of stateDict) {
      if (name === 'scalar' || name === 'transposed') continue
      expect(shape).toEqual([2, 3, 4])
      expect(Array.from(data, Number), name).toEqual(values.map(cast[name] ?? ((value) => value)))
    }
    expect(stateDict.get('scalar')).toEqual({ shape: [], dtype: 'float32', data: new Float32Array([2.5]) })
    const transposed = Int32Array.from(
      { length: 24 },
      (_, i) => values[(i % 2) * 12 + (Math.floor(i / 2) % 3) * 4 + Math.floor(i / 6)]!,
    )
    expect(stateDict.get('transposed')).toEqual({ shape: [4, 3, 2], dtype: 'int32', data: transposed })
  })
})
