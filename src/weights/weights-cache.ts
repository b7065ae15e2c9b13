/**
 * The cache of downloaded weights: what was fetched once is not fetched again. Node only.
 */
import { WeightsError } from '../device/errors.js'
import { describeFailure } from './byte-source.js'
import { download, type DownloadOptions, isFile } from './download.js'

/** A file to have: where it comes from, and what it is called in the cache. */
export interface WantedFile {
  readonly url: string
  /** A path below the cache's folder `weights`. */
  readonly name: string
  readonly sha256Prefix?: string
}

export interface CacheOptions extends Pick<DownloadOptions, 'onProgress' | 'signal'> {
  /** The cache folder, instead of `DAYBREAK_CACHE` or the user's; weights lie in its folder `weights`. */
  readonly cacheFolder?: string
}

/**
 * The path of a file in the cache, or in that of PyTorch; where it is in neither, it is downloaded.
 *
 * A file in the cache is not hashed again: it got its name after its hash was found right. In PyTorch's it is, each time
 * (0.1 to 0.5 seconds), and nothing is written there.
 *
 * @throws WeightsError where it cannot be fetched, or there is no folder for it
 */
export async function cachedFile(wanted: WantedFile, options: CacheOptions): Promise<string> {
  const folders = await cacheFolders(options.cacheFolder)
  return (
    (await findInCache(wanted.name, folders)) ??
    (await findInPyTorchCache(wanted)) ??
    (await fetchIntoCache(wanted, folders, options))
  )
}

async function cacheFolders(chosen: string | undefined): Promise<string[]> {
  const path = await import('node:path')
  const { lastingCacheFolders } = await import('../device/node/cache-folder.js')
  const folders = chosen === undefined ? lastingCacheFolders() : [path.resolve(chosen)]
  return folders.map((folder) => path.join(folder, 'weights'))
}

async function findInCache(name: string, folders: readonly string[]): Promise<string | undefined> {
  const path = await import('node:path')
  for (const folder of folders) {
    const file = path.join(folder, name)
    if (await isFile(file)) return file
  }
  return undefined
}

/** PyTorch may have downloaded it already (`torch.hub.get_dir()`); old versions of it did not verify what they got. */
async function findInPyTorchCache({ name, sha256Prefix }: WantedFile): Promise<string | undefined> {
  const path = await import('node:path')
  const { environmentVariable } = await import('../device/node/environment.js')
  const { inHomeFolder } = await import('../device/node/cache-folder.js')
  const userCache = environmentVariable('XDG_CACHE_HOME') ?? inHomeFolder('.cache')
  const home =
    environmentVariable('TORCH_HOME') ?? (userCache === undefined ? undefined : path.join(userCache, 'torch'))
  if (home === undefined || sha256Prefix === undefined) return undefined
  const file = path.join(home, 'hub', 'checkpoints', name)
  const hash = (await isFile(file)) ? await sha256Of(file) : undefined
  return hash?.startsWith(sha256Prefix) ? file : undefined
}

/** Undefined where the file cannot be read. */
async function sha256Of(file: string): Promise<string | undefined> {
  const [{ createHash }, { createReadStream }] = await Promise.all([import('node:crypto'), import('node:fs')])
  const hash = createHash('sha256')
  try {
    for await (const bytes of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(bytes as Uint8Array)
    return hash.digest('hex')
  } catch {
    return undefined
  }
}

async function fetchIntoCache(
  { url, name, sha256Prefix }: WantedFile,
  folders: readonly string[],
  { onProgress, signal }: CacheOptions,
): Promise<string> {
  const path = await import('node:path')
  const file = path.join(await writableFolder(folders), name)
  await download(url, file, { sha256Prefix, onProgress, signal })
  return file
}

async function writableFolder(folders: readonly string[]): Promise<string> {
  const { firstWritableFolder } = await import('../device/node/cache-folder.js')
  const found = await firstWritableFolder(folders)
  if (typeof found === 'string') return found
  const failures = found.map(({ folder, error }) => `${folder}: ${describeFailure(error)}`)
  throw new WeightsError(folders[0] ?? 'the cache folder', {
    expected: 'a folder for downloaded weights that can be written; DAYBREAK_CACHE names another',
    found: failures.length === 0 ? 'no home folder' : failures.join('; '),
  })
}
