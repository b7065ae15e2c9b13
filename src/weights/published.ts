/**
 * The weights that torchvision publishes for Daybreak's architectures, trained on ImageNet-1K: names, addresses, hashes.
 * Source: `torchvision/models/resnet.py` and `vgg.py` of https://github.com/pytorch/vision (BSD), the same since 0.13.
 */
import { OptionError } from '../device/errors.js'
import { parseDownloadUrl } from './download.js'
import { cachedFile, type CacheOptions, type WantedFile } from './weights-cache.js'

/**
 * `imagenet` is torchvision's `IMAGENET1K_V1`, `imagenet-v2` its `IMAGENET1K_V2`: the same network trained with a newer
 * recipe, more accurate and evaluated at another size (see `resizeSize`). It has nothing to do with the data set ImageNetV2.
 */
export type PublishedName = 'imagenet' | 'imagenet-v2'

/** One file that torchvision publishes. */
export interface PublishedWeights {
  readonly architecture: string
  readonly name: PublishedName
  readonly url: string
  /** The last part of the URL, by which PyTorch keeps it in its own cache, too. */
  readonly fileName: string
  /** The first 8 hexadecimal digits of the file's SHA-256; its name has them. */
  readonly sha256Prefix: string
  /** Accuracy in percent on ImageNet's 50,000 validation images, one central crop each, as torchvision measured it. */
  readonly top1: number
  /** The size of the file, to the nearest KiB. */
  readonly approximateBytes: number
  /** The shorter side of an image after the resize, in pixels (bilinear, with antialiasing). */
  readonly resizeSize: number
  /** The sides of the central crop that the network then sees, in pixels. */
  readonly cropSize: number
}

const resizeSizes: Readonly<Record<PublishedName, number>> = { imagenet: 256, 'imagenet-v2': 232 }

/** Hash, top-1 accuracy in percent, size in MiB. */
type Row = readonly [sha256Prefix: string, top1: number, mebibytes: number]

const rows: ReadonlyMap<string, Readonly<Partial<Record<PublishedName, Row>>>> = new Map([
  ['resnet18', { imagenet: ['f37072fd', 69.758, 44.661] }],
  ['resnet34', { imagenet: ['b627a593', 73.314, 83.275] }],
  ['resnet50', { imagenet: ['0676ba61', 76.13, 97.781], 'imagenet-v2': ['11ad3fa6', 80.858, 97.79] }],
  ['resnet101', { imagenet: ['63fe2227', 77.374, 170.511], 'imagenet-v2': ['cd907fc2', 81.886, 170.53] }],
  ['vgg11', { imagenet: ['8a719046', 69.02, 506.84] }],
  ['vgg11_bn', { imagenet: ['6002323d', 70.37, 506.881] }],
  ['vgg13', { imagenet: ['19584684', 69.928, 507.545] }],
  ['vgg13_bn', { imagenet: ['abd245e5', 71.586, 507.59] }],
  ['vgg16', { imagenet: ['397923af', 71.592, 527.796] }],
  ['vgg16_bn', { imagenet: ['6c64b313', 73.36, 527.866] }],
  ['vgg19', { imagenet: ['dcbb9e9d', 72.376, 548.051] }],
  ['vgg19_bn', { imagenet: ['c79401a0', 74.218, 548.143] }],
] as const satisfies [string, Partial<Record<PublishedName, Row>>][])

/** Whether a text is a name of published weights, for whatever architecture. */
export function isPublishedName(text: string): text is PublishedName {
  return Object.hasOwn(resizeSizes, text)
}

/** The names of what is published for an architecture; none for one that torchvision does not publish. */
export function publishedNames(architecture: string): PublishedName[] {
  return Object.keys(rows.get(architecture) ?? {}).filter(isPublishedName)
}

/**
 * Published weights by name.
 *
 * @param architecture a name of `modelNames`, such as `resnet50`
 * @param name `imagenet` or `imagenet-v2`; the latter exists for resnet50 and resnet101
 * @throws OptionError where there are none; it lists what there is for this architecture
 */
export function publishedWeights(architecture: string, name: string): PublishedWeights {
  const row = isPublishedName(name) ? rows.get(architecture)?.[name] : undefined
  if (!isPublishedName(name) || row === undefined) {
    throw new OptionError('weights', expectedWeights(architecture), name)
  }
  const [sha256Prefix, top1, mebibytes] = row
  const fileName = `${architecture}-${sha256Prefix}.pth`
  return {
    architecture,
    name,
    url: `https://download.pytorch.org/models/${fileName}`,
    fileName,
    sha256Prefix,
    top1,
    approximateBytes: Math.round(mebibytes * 1024) * 1024,
    resizeSize: resizeSizes[name],
    cropSize: 224,
  }
}

function expectedWeights(architecture: string): string {
  const names = publishedNames(architecture)
  return names.length === 0
    ? `a file (no weights are published for ${architecture})`
    : `${names.join(', ')} (what is published for ${architecture}) or a file`
}

export interface ResolveWeightsOptions extends CacheOptions {
  /** Where to download from instead, such as a mirror of torchvision's files; with a `/` at its end, a folder of them. */
  readonly url?: string
}

/**
 * The path of a file with the weights that a user asks for. A path is given back as it is, whether there is such a file
 * or not. A published name (`imagenet`, `imagenet-v2`) is a file in the cache, or in that of PyTorch (`TORCH_HOME`, where
 * its hash is checked each time and nothing is written); where it is in neither, it is downloaded and verified.
 *
 * With `url`, that is what is downloaded. It is verified against the hash in its own name if that has one
 * (`resnet50-0676ba61.pth`), else against that of the published name, if one is given, else not at all
 * (`onProgress` tells, by `sha256Prefix`).
 *
 * @param architecture a name of `modelNames`
 * @param weights a path (which has a separator or a dot in it, or exists) or a published name; may be missing with `url`
 * @throws OptionError where the name is not published for this architecture, or the options do not go together
 * @throws WeightsError where the file cannot be fetched, or there is no folder for it
 */
export async function resolveWeights(
  architecture: string,
  weights: string | undefined,
  options: ResolveWeightsOptions = {},
): Promise<string> {
  const { url } = options
  if (weights !== undefined && !isPublishedName(weights) && (await isPath(weights))) {
    if (url === undefined) return weights
    throw new OptionError('weights', 'a published name, or nothing, where an address is given too', weights)
  }
  return cachedFile(await wantedFile(architecture, weights, url), options)
}

async function isPath(text: string): Promise<boolean> {
  if (/[./\\]/.test(text)) return true
  const { access } = await import('node:fs/promises')
  return access(text).then(
    () => true,
    () => false,
  )
}

async function wantedFile(architecture: string, weights?: string, url?: string): Promise<WantedFile> {
  const published = weights === undefined ? undefined : publishedWeights(architecture, weights)
  if (url !== undefined) return fileAt(url, published)
  if (published === undefined) throw new OptionError('weights', 'a file or a published name', weights)
  return { url: published.url, name: published.fileName, sha256Prefix: published.sha256Prefix }
}

async function fileAt(url: string, published: PublishedWeights | undefined): Promise<WantedFile> {
  const address = parseDownloadUrl(url.endsWith('/') && published !== undefined ? url + published.fileName : url)
  const name = fileNameOf(address)
  const ownHash = /-([0-9a-f]{8,64})\./.exec(name)?.[1] // as PyTorch's `torch.hub` has it
  if (ownHash !== undefined) return { url: address.href, name, sha256Prefix: ownHash }
  if (published !== undefined) {
    return { url: address.href, name: published.fileName, sha256Prefix: published.sha256Prefix }
  }
  const { createHash } = await import('node:crypto')
  const folder = createHash('sha256').update(address.href).digest('hex').slice(0, 16) // many servers have a "model.pth"
  return { url: address.href, name: `${folder}/${name}` }
}

/** The last part of a path as the name of a file, on any system and never one that leaves its folder. */
function fileNameOf({ pathname }: URL): string {
  const last = pathname.slice(pathname.lastIndexOf('/') + 1)
  const name = last.replaceAll(/[^\w.-]+/g, '_').replace(/^\.+/, '')
  return name.slice(-128) || 'weights'
}
