/**
 * The places where drivers come from. Dawn asks the Vulkan loader, and the loader reads environment variables whenever
 * Dawn asks it: pointing them at the bundled driver for that moment is all it takes to reach it, next to system
 * drivers that this process may have loaded already.
 */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { inHomeFolder } from './cache-folder.js'
import { environmentVariable } from './environment.js'
import { loadLibrary } from './native-library.js'
import { bundledDriver } from './swiftshader.js'

/** How to make Dawn look at one set of drivers. */
export interface DriverSource {
  readonly source: 'system' | 'bundled'
  /** Options for Dawn's `create()`. */
  readonly flags: readonly string[]
  /** Environment variables to be set while Dawn looks for adapters. */
  readonly environment: Readonly<Record<string, string>>
}

/** What `findDrivers` gives: a place to look at, or why there is nothing to look at. */
export type DriverSearch = DriverSource | { readonly source: 'system' | 'bundled'; readonly unavailable: string }

/** The places to look for adapters, best first; the bundled driver is unpacked only when it is its turn. */
export async function* findDrivers(): AsyncGenerator<DriverSearch> {
  const system: DriverSource = { source: 'system', flags: [], environment: quietLayers() }
  // Without any driver Dawn would print warnings. On other systems drivers are not a matter of files.
  const skipSystem = process.platform === 'linux' && driverManifests().length === 0
  if (!skipSystem) yield system
  const bundled = await findBundledDriver()
  if (skipSystem) {
    // The loader of an unusual installation may search where we did not: worth the warnings when nothing else is left.
    yield 'unavailable' in bundled
      ? system
      : { source: 'system', unavailable: 'no driver is installed (no vulkan/icd.d/*.json)' }
  }
  yield bundled
}

async function findBundledDriver(): Promise<DriverSearch> {
  try {
    const { manifest, loader } = await bundledDriver()
    loadVulkanLoader(loader)
    return {
      source: 'bundled',
      flags: ['backend=vulkan'],
      // The second name is for loaders from before 2022, which do not know the first.
      environment: { ...quietLayers(), VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest },
    }
  } catch (error) {
    return { source: 'bundled', unavailable: error instanceof Error ? error.message : String(error) }
  }
}

/** Dawn looks for the soname `libvulkan.so.1`: the system's, or the bundled one where the system has none. */
function loadVulkanLoader(bundledLoader: string): void {
  try {
    loadLibrary('libvulkan.so.1')
  } catch {
    loadLibrary(bundledLoader)
  }
}

/** Why the bundled driver may stay out of sight although it is there. */
export function bundledDriverHint(): string {
  return isMainThread
    ? 'it offered no adapter'
    : 'it cannot be reached from this worker thread; start the worker with { env: SHARE_ENV }'
}

/** Mesa's layer that orders devices prints complaints where there is no desktop session, and has nothing to order there. */
function quietLayers(): Record<string, string> {
  const needed = process.platform === 'linux' && !process.env.XDG_RUNTIME_DIR && !process.env.MESA_VK_DEVICE_SELECT
  return needed ? { NODEVICE_SELECT: '1' } : {}
}

/** The Vulkan driver manifests that the loader would find: those that the user names, else those in its folders. */
function driverManifests(): string[] {
  const chosen = environmentVariable('VK_DRIVER_FILES') ?? environmentVariable('VK_ICD_FILENAMES')
  if (chosen !== undefined) return pathList(chosen)
  const manifests = pathList(environmentVariable('VK_ADD_DRIVER_FILES'))
  for (const folder of loaderFolders()) {
    const drivers = path.join(folder, 'vulkan', 'icd.d')
    try {
      manifests.push(...readdirSync(drivers).filter((name) => name.endsWith('.json')))
    } catch {
      // no such folder
    }
  }
  return manifests
}

/** The loader's search path (its documentation: "Driver Discovery on Linux"), and NixOS's place for drivers. */
function loaderFolders(): string[] {
  return [
    environmentVariable('XDG_CONFIG_HOME') ?? inHomeFolder('.config'),
    ...pathList(environmentVariable('XDG_CONFIG_DIRS') ?? '/etc/xdg'),
    '/etc',
    '/usr/local/etc',
    environmentVariable('XDG_DATA_HOME') ?? inHomeFolder('.local/share'),
    ...pathList(environmentVariable('XDG_DATA_DIRS')),
    '/usr/local/share',
    '/usr/share',
    '/run/opengl-driver/share',
  ].filter((folder) => folder !== undefined)
}

function pathList(value: string | undefined): string[] {
  return (value ?? '').split(path.delimiter).filter((item) => item !== '')
}
