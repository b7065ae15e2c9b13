/** Names of classes: ImageNet's, and those in files. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { imagenetClasses, readClassNames } from '../../src/data/index.js'
import { DataError } from '../../src/device/errors.js'

describe('the names of ImageNet', () => {
  test('are 1000 different ones', () => {
    expect(imagenetClasses).toHaveLength(1000)
    expect(new Set(imagenetClasses).size).toBe(1000)
    expect(imagenetClasses.filter((name) => name !== name.trim() || /[^-' a-zA-Z.]/.test(name))).toEqual([])
  })

  test.each([
    [0, 'tench'],
    [134, 'crane bird'],
    [285, 'Egyptian cat'],
    [517, 'crane'],
    [638, 'maillot'],
    [639, 'maillot tank suit'],
    [999, 'toilet tissue'],
  ])("number %d is torchvision's %s", (index, name) => {
    expect(imagenetClasses[index]).toBe(name)
  })
})

describe('readClassNames', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'daybreak-names-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const read = async (content: string | Uint8Array) => {
    const file = path.join(folder, 'names')
    await writeFile(file, content)
    return readClassNames(file)
  }

  test.each<[what: string, content: string]>([
    ['a JSON list', '["cat", "guide dog", "Ärmel"]'],
    ['a JSON list after space', ' \n[ "cat",\n"guide dog",\n"Ärmel" ]\n'],
    ['lines', 'cat\nguide dog\nÄrmel'],
    ['lines that all end', 'cat\nguide dog\nÄrmel\n'],
    ['lines of Windows', '\uFEFFcat\r\nguide dog\r\nÄrmel\r\n'],
  ])('reads %s', async (_what, content) => {
    expect(await read(content)).toEqual(['cat', 'guide dog', 'Ärmel'])
  })

  test.each<[what: string, content: string | Uint8Array, message: RegExp]>([
    ['an empty file', '', /names: expected names of classes, found none$/],
    ['an empty list', '[]', /names: expected names of classes, found none$/],
    ['a name that is empty', 'cat\n \ndog\n', /expected a name for each class, found none for class 1$/],
    ['two empty lines at the end', 'cat\n\n', /expected a name for each class, found none for class 1$/],
    ['half a list', '["cat", ', /expected a JSON list of names, found /],
    ['a list of numbers', '["cat", 3]', /expected a JSON list of names, found a list of other things$/],
    ['an object', '{"0": "cat"}', /expected a JSON list of names, found object$/],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x00), /expected names of classes as UTF-8 text/],
  ])('refuses %s', async (_what, content, message) => {
    const result = read(content)
    await expect(result).rejects.toThrow(DataError)
    await expect(result).rejects.toThrow(message)
  })

  test('refuses a file that is not there, and a folder', async () => {
    await expect(readClassNames(path.join(folder, 'nothing'))).rejects.toThrow(/expected a file of .*, found ENOENT/)
    await expect(readClassNames(folder)).rejects.toThrow(/found a folder$/)
  })
})
