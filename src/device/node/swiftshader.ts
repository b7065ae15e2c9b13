/**
 * The bundled software driver: SwiftShader, a Vulkan driver that runs on the CPU. The optional npm dependency
 * `@sparticuz/chromium` carries it as an archive (with a Vulkan loader, because a machine without a driver often has
 * none), and it is unpacked once into the cache folder.
 *
 * Any number of processes may do that at the same time: each unpacks into a folder of its own and renames the
 * files into place, so that every file appears whole or not at all, and all of them are the same.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { buffer as readAll } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { extract } from 'tar-stream'
import { lastingCacheFolders, temporaryCacheFolder } from './cache-folder.js'
import { loadLibrary } from './native-library.js'

/** The package that carries the driver. */
export const bundledDriverPackage = '@sparticuz/chromium'

const driverFiles = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'] as const

/** Absolute paths of the unpacked files. */
export interface BundledDriver {
  /** The driver's manifest, which the Vulkan loader reads. */
  readonly manifest: string
  /** A Vulkan loader, for machines that have none. */
  readonly loader: string
  readonly driver: string
}

let preparation: Promise<BundledDriver> | undefined

/** Unpacks the bundled driver if this was not done before. Rejects with the reason if it cannot be used here. */
export function bundledDriver(): Promise<BundledDriver> {
  return (preparation ??= prepare())
}

/** Unpacks the bundled driver if this was not done before. `undefined` if it cannot be used here. */
export async function prepareBundledDriver(): Promise<BundledDriver | undefined> {
  return bundledDriver().catch(() => undefined)
}

async function prepare(): Promise<BundledDriver> {
  const platform = `${process.platform}-${process.arch}`
  if (platform !== 'linux-x64') throw new Error(`there is one for linux-x64 only, this is ${platform}`)
  const archive = await readFile(findArchive())
  const folderName = `swiftshader-${createHash('sha256').update(archive).digest('hex').slice(0, 16)}`
  for (const cache of lastingCacheFolders()) {
    try {
      return await prepareIn(path.join(cache, folderName), archive)
    } catch {
      // A read-only home, a full disk, a file system that runs no programs, somebody else's folder: try the next one.
    }
  }
  return prepareIn(path.join(await temporaryCacheFolder(), folderName), archive)
}

/** `package.json` is not among the package's exports, so the search walks up from its entry. */
function findArchive(): string {
  let folder: string
  try {
    folder = path.dirname(createRequire(import.meta.url).resolve(bundledDriverPackage))
  } catch {
    throw new Error(`the optional npm package ${bundledDriverPackage} is not installed`)
  }
  for (; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const archive = path.join(folder, 'bin', 'swiftshader.tar.br')
    if (existsSync(archive)) return archive
  }
  throw new Error(`the npm package ${bundledDriverPackage} has no bin/swiftshader.tar.br`)
}

async function prepareIn(folder: string, archive: Buffer): Promise<BundledDriver> {
  if (!isComplete(folder)) await unpack(archive, folder)
  await assertPrivate(folder)
  const [driver, loader, manifest] = driverFiles.map((name) => path.join(folder, name)) as [string, string, string]
  loadLibrary(driver) // the Vulkan loader will load it anyway, but would not say why it cannot
  return { manifest, loader, driver }
}

function isComplete(folder: string): boolean {
  return driverFiles.every((name) => existsSync(path.join(folder, name)))
}

async function unpack(archive: Buffer, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const stage = await mkdtemp(path.join(folder, '.stage-'))
  try {
    const contents = extract()
    contents.end(await promisify(brotliDecompress)(archive))
    for await (const entry of contents) {
      const name = path.posix.basename(entry.header.name)
      if (!isDriverFile(name)) entry.resume()
      // flushed to the disk, so that no power cut leaves an empty file under the final name
      else await writeFile(path.join(stage, name), await readAll(entry), { mode: 0o700, flush: true })
    }
    for (const name of driverFiles) await rename(path.join(stage, name), path.join(folder, name))
  } finally {
    await rm(stage, { recursive: true, force: true })
  }
}

function isDriverFile(name: string): boolean {
  return (driverFiles as readonly string[]).includes(name)
}

/** Code from this folder will run in this process: nobody else may be able to put it there. */
async function assertPrivate(folder: string): Promise<void> {
  const { uid, mode } = await stat(folder)
  const trusted = uid === 0 || uid === process.getuid?.()
  if (!trusted || (mode & 0o022) !== 0) throw new Error(`${folder} can be written by other users`)
}
