import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OptionError, WeightsError } from '../../src/device/errors.js'
import { modelNames } from '../../src/models/registry.js'
import type { DownloadProgress } from '../../src/weights/download.js'
import { isPublishedName, publishedNames, publishedWeights, resolveWeights } from '../../src/weights/published.js'
import { failure } from '../support/downloads.js'
import { fileAnswer, sha256, someBytes, useWeightsServer } from '../support/weights-server.js'

/** From the files of torchvision 0.14: the enums' `url`, `num_params`, `acc@1`, and `resize_size` of their transforms. */
const torchvision: [string, string, string, number, number, number][] = [
  ['resnet18', 'imagenet', 'resnet18-f37072fd.pth', 11689512, 69.758, 256],
  ['resnet34', 'imagenet', 'resnet34-b627a593.pth', 21797672, 73.314, 256],
  ['resnet50', 'imagenet', 'resnet50-0676ba61.pth', 25557032, 76.13, 256],
  ['resnet50', 'imagenet-v2', 'resnet50-11ad3fa6.pth', 25557032, 80.858, 232],
  ['resnet101', 'imagenet', 'resnet101-63fe2227.pth', 44549160, 77.374, 256],
  ['resnet101', 'imagenet-v2', 'resnet101-cd907fc2.pth', 44549160, 81.886, 232],
  ['vgg11', 'imagenet', 'vgg11-8a719046.pth', 132863336, 69.02, 256],
  ['vgg11_bn', 'imagenet', 'vgg11_bn-6002323d.pth', 132868840, 70.37, 256],
  ['vgg13', 'imagenet', 'vgg13-19584684.pth', 133047848, 69.928, 256],
  ['vgg13_bn', 'imagenet', 'vgg13_bn-abd245e5.pth', 133053736, 71.586, 256],
  ['vgg16', 'imagenet', 'vgg16-397923af.pth', 138357544, 71.592, 256],
  ['vgg16_bn', 'imagenet', 'vgg16_bn-6c64b313.pth', 138365992, 73.36, 256],
  ['vgg19', 'imagenet', 'vgg19-dcbb9e9d.pth', 143667240, 72.376, 256],
  ['vgg19_bn', 'imagenet', 'vgg19_bn-c79401a0.pth', 143678248, 74.218, 256],
]

describe('published weights', () => {
  it.each(torchvision)("of %s, %s, are torchvision's", (architecture, name, fileName, parameters, top1, resizeSize) => {
    const weights = publishedWeights(architecture, name)
    const url = `https://download.pytorch.org/models/${fileName}`
    const sha256Prefix = fileName.slice(-12, -4)
    expect(weights).toMatchObject({ architecture, name, url, fileName, sha256Prefix, top1, resizeSize, cropSize: 224 })
    // four bytes a parameter, statistics of batch norms, and the names
    expect(weights.approximateBytes / (4 * parameters)).toBeGreaterThan(1)
    expect(weights.approximateBytes / (4 * parameters)).toBeLessThan(1.005)
  })

  it('are there for every model but MiniVGG, and for nothing else', () => {
    const all = modelNames.flatMap((model) => publishedNames(model).map((name) => `${model} ${name}`))
    expect(all.sort()).toEqual(torchvision.map(([model, name]) => `${model} ${name}`).sort())
    expect(publishedNames('minivgg')).toEqual([])
    expect(publishedNames('constructor')).toEqual([])
  })

  it.each<[string, string, string]>([
    ['vgg16', 'imagenet-v2', 'expected imagenet (what is published for vgg16) or a file, got "imagenet-v2"'],
    ['resnet50', 'imagnet', 'expected imagenet, imagenet-v2 (what is published for resnet50) or a file, got "imagnet"'],
    [
      'resnet50',
      'toString',
      'expected imagenet, imagenet-v2 (what is published for resnet50) or a file, got "toString"',
    ],
    ['minivgg', 'imagenet', 'expected a file (no weights are published for minivgg), got "imagenet"'],
  ])('of %s: %s is refused with what there is', (architecture, name, message) => {
    expect(() => publishedWeights(architecture, name)).toThrow(OptionError)
    expect(() => publishedWeights(architecture, name)).toThrow(`weights: ${message}`)
  })

  it('have names', () => {
    expect(['imagenet', 'imagenet-v2', 'ImageNet', 'toString', ''].map(isPublishedName)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ])
  })
})

describe('resolveWeights', () => {
  const server = useWeightsServer()
  const content = someBytes(10_000)
  const hash = sha256(content).slice(0, 8)
  const serve = (...paths: string[]) => {
    for (const name of paths) server.serve(name, (request) => fileAnswer(content, request))
  }
  let folder: string
  const inFolder = (...names: string[]) => path.join(folder, ...names)
  const put = async (file: string, bytes: Uint8Array | string = content) => {
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, bytes)
    return file
  }
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'daybreak-published-'))
    vi.stubEnv('DAYBREAK_CACHE', inFolder('chosen'))
    vi.stubEnv('XDG_CACHE_HOME', inFolder('user'))
    vi.stubEnv('TORCH_HOME', inFolder('torch'))
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true })
  })

  it.each(['./net', 'a/b', 'a\\b', 'net.pth', '.', 'src'])('gives the path "%s" back', async (weights) => {
    expect(await resolveWeights('resnet50', weights)).toBe(weights) // tests run where there is a folder src
    expect(await readdir(folder)).toEqual([])
  })

  it.each(['sources', 'imagnet', ''])('refuses "%s", which is no name and not there', async (weights) => {
    await failure(resolveWeights('resnet50', weights), OptionError)
  })

  it.each([
    ['the chosen folder', 'chosen/weights', 'user/daybreak/weights'],
    ["the user's cache, when it is not in the chosen one", 'user/daybreak/weights', undefined],
  ])('finds a published name in %s, without looking into it', async (_, where, alsoIn) => {
    const file = await put(inFolder(where, 'resnet50-11ad3fa6.pth'), 'anything')
    if (alsoIn !== undefined) await put(inFolder(alsoIn, 'resnet50-11ad3fa6.pth'), 'other')
    expect(await resolveWeights('resnet50', 'imagenet-v2')).toBe(file)
  })

  it('finds a file of PyTorch where its hash is right, and writes nothing there', async () => {
    const url = server.url(`/net-${hash}.pth`)
    const file = await put(inFolder('torch/hub/checkpoints', `net-${hash}.pth`))
    expect(await resolveWeights('resnet50', undefined, { url })).toBe(file)
    vi.stubEnv('TORCH_HOME', undefined)
    const other = await put(inFolder('user/torch/hub/checkpoints', `net-${hash}.pth`))
    expect(await resolveWeights('resnet50', undefined, { url })).toBe(other)
    expect(server.requests).toEqual([])
    expect((await readdir(folder)).sort()).toEqual(['torch', 'user'])
  })

  it('does not take a file of PyTorch with another hash, or where none is known', async () => {
    serve(`/net-${hash}.pth`, '/net.pth')
    await put(inFolder('torch/hub/checkpoints', `net-${hash}.pth`), 'other')
    await put(inFolder('torch/hub/checkpoints', `net.pth`))
    const fetched = await resolveWeights('resnet50', undefined, { url: server.url(`/net-${hash}.pth`) })
    expect(fetched).toBe(inFolder('chosen/weights', `net-${hash}.pth`))
    expect(await resolveWeights('resnet50', undefined, { url: server.url('/net.pth') })).toMatch(inFolder('chosen'))
    expect(await readFile(inFolder('torch/hub/checkpoints', `net-${hash}.pth`), 'utf8')).toBe('other')
  })

  it('downloads what is not there, verifies it by the hash in its name, and keeps it', async () => {
    serve(`/models/net-${hash}.pth`)
    const progress: DownloadProgress[] = []
    const options = {
      url: server.url(`/models/net-${hash}.pth`),
      onProgress: (p: DownloadProgress) => progress.push(p),
    }
    const file = await resolveWeights('resnet50', 'imagenet', options)
    expect(file).toBe(inFolder('chosen/weights', `net-${hash}.pth`))
    expect(sha256(await readFile(file))).toBe(sha256(content))
    expect(progress.at(-1)).toMatchObject({ received: 10_000, total: 10_000, sha256Prefix: hash })
    expect(await resolveWeights('minivgg', undefined, options)).toBe(file)
    expect(server.requests.length).toBe(1)
  })

  it('verifies a mirror without a hash in its name by that of the published name', async () => {
    serve('/mirror.pth', '/models/resnet50-0676ba61.pth')
    for (const url of [server.url('/mirror.pth'), server.url('/models/')]) {
      const { message } = await failure(resolveWeights('resnet50', 'imagenet', { url }), WeightsError)
      expect(message).toContain('begins with 0676ba61, found ' + sha256(content))
    }
    expect(server.requests.map((request) => request.path)).toEqual(['/mirror.pth', '/models/resnet50-0676ba61.pth'])
    const file = await put(inFolder('chosen/weights/resnet50-0676ba61.pth'))
    expect(await resolveWeights('resnet50', 'imagenet', { url: server.url('/mirror.pth') })).toBe(file)
  })

  it('takes anything from an address without a hash and without a name, and tells', async () => {
    serve('/a/net.pth', '/b/net.pth', '/')
    const progress: DownloadProgress[] = []
    const fetched = async (name: string) => {
      const onProgress = (p: DownloadProgress) => progress.push(p)
      return resolveWeights('resnet50', undefined, { url: server.url(name), onProgress })
    }
    const files = [await fetched('/a/net.pth'), await fetched('/b/net.pth')]
    expect(new Set(files).size).toBe(2)
    expect(files.map((file) => path.basename(file))).toEqual(['net.pth', 'net.pth'])
    expect(progress.every(({ sha256Prefix }) => sha256Prefix === undefined)).toBe(true)
    expect(await fetched('/a/net.pth')).toBe(files[0])
    expect(server.requests.length).toBe(2)
    expect(path.basename(await fetched('/'))).toBe('weights')
  })

  it.each([
    ['/..%2F..%2Fnet.pth', '_2F.._2Fnet.pth'],
    ['/.net.pth', 'net.pth'],
    ['/a%00b*.pth', 'a_00b_.pth'],
    [`/${'x'.repeat(200)}.pth`, `${'x'.repeat(124)}.pth`],
  ])('makes a harmless name of %s', async (name, expected) => {
    serve(name)
    const file = await resolveWeights('resnet50', undefined, { url: server.url(name) })
    expect(path.basename(file)).toBe(expected)
    expect(path.relative(inFolder('chosen/weights'), file)).toMatch(/^[0-9a-f]{16}[\\/][^\\/]+$/)
  })

  it('writes to another cache folder where it is told to', async () => {
    serve(`/net-${hash}.pth`)
    const options = { url: server.url(`/net-${hash}.pth`), cacheFolder: inFolder('mine') }
    expect(await resolveWeights('resnet50', undefined, options)).toBe(inFolder('mine/weights', `net-${hash}.pth`))
    expect(await readdir(folder)).toEqual(['mine'])
  })

  it('writes to the next folder where the first cannot be made, and names all where none can', async () => {
    serve(`/net-${hash}.pth`)
    const url = server.url(`/net-${hash}.pth`)
    await put(inFolder('chosen'), 'a file')
    expect(await resolveWeights('resnet50', undefined, { url })).toBe(
      inFolder('user/daybreak/weights', `net-${hash}.pth`),
    )
    await rm(inFolder('user'), { recursive: true })
    await put(inFolder('user'), 'a file')
    const { message } = await failure(resolveWeights('resnet50', undefined, { url }), WeightsError)
    for (const text of [inFolder('chosen'), inFolder('user/daybreak'), 'DAYBREAK_CACHE'])
      expect(message).toContain(text)
  })

  it('refuses what does not go together', async () => {
    const url = server.url('/net.pth')
    await failure(resolveWeights('resnet50', './mine.pth', { url }), OptionError)
    await failure(resolveWeights('resnet50', undefined), OptionError)
    await failure(resolveWeights('minivgg', 'imagenet', { url }), OptionError)
    await failure(resolveWeights('resnet50', 'imagenet', { url: 'ftp://host/net.pth' }), OptionError)
    expect(await readdir(folder)).toEqual([])
  })

  it('passes the signal on', async () => {
    const reason = new Error('enough')
    const options = { url: server.url('/net.pth'), signal: AbortSignal.abort(reason) }
    await expect(resolveWeights('resnet50', undefined, options)).rejects.toBe(reason)
  })
})
