/** `daybreak convert` and `daybreak inspect`. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readStateDict, type StateDict, writeStateDict } from '../../src/weights/index.js'
import { complaint, daybreak } from '../support/command.js'
import { hashMiniVGG } from '../support/hash-weights.js'

let folder: string
let minivgg: StateDict
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-cli-'))
  minivgg = hashMiniVGG(7)
  await writeStateDict(inFolder('net.safetensors'), minivgg, { note: 'mine' })
})
afterAll(() => rm(folder, { recursive: true }))

const inFolder = (name: string) => path.join(folder, name)
const run = (...words: string[]) => daybreak(words, { folder })
const sorted = (stateDict: StateDict) => new Map([...stateDict].sort(([a], [b]) => (a < b ? -1 : 1)))

describe('convert', () => {
  test('writes .npz, and back', async () => {
    const there = await run('convert', 'net.safetensors', 'net.npz', '--model', 'minivgg')
    expect(there.stdout).toMatch(/^net\.npz: 8 tensors, 45,255 elements, 178\.8 KiB\n$/)
    const back = await run('convert', 'net.npz', 'back.safetensors')
    expect(back).toMatchObject({ status: 0, stderr: '' })
    expect(sorted((await readStateDict(inFolder('back.safetensors'))).stateDict)).toEqual(sorted(minivgg))
  })

  test('keeps what a file tells about itself, and says that PyTorch can have it', async () => {
    await run('convert', 'net.safetensors', 'copy.safetensors')
    expect({ ...(await readStateDict(inFolder('copy.safetensors'))).metadata }).toEqual({ note: 'mine', format: 'pt' })
  })

  test('renames, before it looks whether the tensors are those of the model', async () => {
    const odd = new Map([...minivgg].map(([name, array]) => [`net.${name.replace('classifier', 'head')}`, array]))
    await writeStateDict(inFolder('odd.safetensors'), odd)
    expect(complaint(await run('convert', 'odd.safetensors', 'x.npz', '--model', 'minivgg'))).toMatch(
      /^daybreak: odd\.safetensors: expected exactly the tensors of minivgg, found 8 missing: .*; 8 unexpected: /,
    )
    const rename = ['--rename', 'net.=', 'net.head.=classifier.']
    const { status, stderr } = await run(
      'convert',
      'odd.safetensors',
      'even.safetensors',
      '--model',
      'minivgg',
      ...rename,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(sorted((await readStateDict(inFolder('even.safetensors'))).stateDict)).toEqual(sorted(minivgg))
    expect(complaint(await run('convert', 'odd.safetensors', 'x.npz', '--rename', 'net'))).toMatch(
      /^daybreak: --rename: expected old=new, such as .*, got "net"/,
    )
  })

  test('says where a network is not what torchvision computes', async () => {
    const metadata = { resnet_stride: '1x1', image_mean: '[0.5]', image_std: '[0.25]', batch_norm: 'folded' }
    await writeStateDict(inFolder('v1.safetensors'), minivgg, metadata)
    const { stdout } = await run('convert', 'v1.safetensors', 'v1.npz')
    expect(stdout).toMatch(/ResNet v1: its stride is in the 1x1 convolutions.*\.npz cannot say so/)
    expect(stdout).toContain('normalised with mean [0.5] and deviation [0.25]')
    expect(stdout).toMatch(/batch norms were folded/)
  })

  test('leaves nothing behind when it cannot be done', async () => {
    await writeFile(inFolder('broken.safetensors'), 'nonsense that is long enough')
    const before = await readdir(folder)
    expect(complaint(await run('convert', 'broken.safetensors', 'x.safetensors'))).toMatch(/header length of/)
    expect(complaint(await run('convert', 'none.pth', 'x.safetensors'))).toMatch(/no such file or folder/)
    expect(complaint(await run('convert', 'net.safetensors', 'x.pth'))).toMatch(/ends in \.safetensors or \.npz/)
    expect(complaint(await run('convert', 'net.safetensors', 'none/x.npz'))).toMatch(/no such file or folder/)
    expect(complaint(await run('convert', 'net.safetensors', 'x.npz', '--model', 'lenet'))).toMatch(
      /--model: expected one of resnet18/,
    )
    expect(await readdir(folder)).toEqual(before)
  })
})

describe('inspect', () => {
  test('lists names, shapes, types, bytes, norms and elements that are not finite', async () => {
    const odd: StateDict = new Map([
      ['fc.weight', { shape: [2, 2], dtype: 'float32', data: Float32Array.of(3, NaN, -4, -Infinity) }],
      ['steps', { shape: [], dtype: 'int64', data: BigInt64Array.of(-12n) }],
      ['empty', { shape: [0], dtype: 'float32', data: new Float32Array() }],
    ])
    await writeStateDict(inFolder('odd.safetensors'), odd, { note: 'odd' })
    const tensors = [
      { name: 'steps', shape: [], type: 'int64', bytes: 8, norm: 12, nonFinite: 0 },
      { name: 'empty', shape: [0], type: 'float32', bytes: 0, norm: 0, nonFinite: 0 },
      { name: 'fc.weight', shape: [2, 2], type: 'float32', bytes: 16, norm: 5, nonFinite: 2 },
    ]
    const json = await run('inspect', 'odd.safetensors', '--json')
    expect(json.stdout).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(json.stdout)).toEqual({
      file: 'odd.safetensors',
      format: 'safetensors',
      metadata: { note: 'odd' },
      totals: { tensors: 3, elements: 5, bytes: 24, nonFinite: 2 },
      tensors,
    })
    const table = await run('inspect', 'odd.safetensors')
    expect(table.stdout).toMatch(/^odd\.safetensors \(safetensors\)\n {2}note: odd\n/)
    expect(table.stdout).toMatch(/fc\.weight +│ 2x2 +│ float32 +│ +16 B │ 5\.0000 │ +2 │/)
    expect(table.stdout).toMatch(/steps +│ scalar │ int64 /)
    expect(table.stdout).toMatch(/\n3 tensors, 5 elements, 24 B, 2 elements NaN or infinite\n$/)
  })

  test('says so where everything is finite', async () => {
    expect((await run('inspect', 'net.safetensors')).stdout).toMatch(/, 45,255 elements, 176.8 KiB, all finite\n$/)
  })

  test('refuses what is no weights file', async () => {
    expect(complaint(await run('inspect', '.'))).toMatch(/^daybreak: \.: expected a weights file, found a folder/)
    expect(complaint(await run('inspect'))).toMatch(/missing required argument 'file'/)
  })
})
