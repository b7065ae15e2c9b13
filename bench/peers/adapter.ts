/** How the peers come to the adapter that Daybreak chooses. */
import path from 'node:path'
import { listAdapters } from '../../src/device/node.js'
import { bundledDriver } from '../../src/device/node/swiftshader.js'

export interface AdapterChoice {
  /** The adapter's name for Dawn, where one was asked for. */
  readonly name?: string
  /** What makes Vulkan find its driver. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Daybreak's choice among the adapters of this machine. Peers look among those of the system only, so they have to be shown
 * the bundled driver where it is the one.
 *
 * @param wanted a part of the adapter's name, in any case; Daybreak's own choice by default
 */
export async function chooseAdapter(wanted = process.env.DAYBREAK_ADAPTER): Promise<AdapterChoice> {
  const adapters = await listAdapters()
  const matching = adapters.filter(({ name }) => name.toLowerCase().includes((wanted ?? '').toLowerCase()))
  const chosen = matching.find(({ kind }) => kind === 'gpu') ?? matching[0]
  if (!chosen) {
    const names = adapters.map(({ name }) => name).join(', ') || 'none'
    throw new Error(`no adapter ${wanted === undefined ? 'was found' : `is called "${wanted}"`}; there are: ${names}`)
  }
  const name = wanted === undefined ? undefined : chosen.name
  if (chosen.source === 'system') return { name, environment: {} }
  const { manifest, loader } = await bundledDriver()
  // the folder of the loader comes last: a loader of the system goes before it
  const libraries = [process.env.LD_LIBRARY_PATH, path.dirname(loader)].filter(Boolean).join(path.delimiter)
  return {
    name,
    environment: { VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, LD_LIBRARY_PATH: libraries },
  }
}
