/** Where measured times are kept between runs. */
import { DataError } from '../device/errors.js'

/** A place for small texts. Browsers have none of their own: a program may pass one that keeps them in `localStorage`. */
export interface TuningStore {
  /** The text that was written last under a name; undefined where there is none. */
  read(name: string): Promise<string | undefined>
  /** Whoever reads meanwhile gets the old text or the new one, never a part. */
  write(name: string, text: string): Promise<void>
  /** Where the text of a name is, for people. */
  place(name: string): string
}

/**
 * Files in the folder `tuning` of `cacheFolder`, by default of `DAYBREAK_CACHE` or the user's cache folder, as weights are.
 * Node only.
 */
export async function fileStore(cacheFolder?: string): Promise<TuningStore> {
  const path = await import('node:path')
  const { readFile } = await import('node:fs/promises')
  const { atomicWrite } = await import('../device/node/atomic-write.js')
  const { firstWritableFolder, lastingCacheFolders } = await import('../device/node/cache-folder.js')
  const folders = (cacheFolder === undefined ? lastingCacheFolders() : [path.resolve(cacheFolder)]).map((folder) =>
    path.join(folder, 'tuning'),
  )
  let used: string | undefined

  return {
    read: async (name) => {
      for (const folder of folders) {
        try {
          const text = await readFile(path.join(folder, name), 'utf8')
          used = folder
          return text
        } catch (error) {
          if (!isMissing(error)) throw error
        }
      }
      return undefined
    },
    write: async (name, text) => {
      const found = await firstWritableFolder(folders)
      if (typeof found !== 'string') {
        const failures = found.map(({ folder, error }) => `${folder}: ${(error as Error).message}`)
        throw new DataError(
          'tuning',
          'a folder for measured times that can be written; DAYBREAK_CACHE names another',
          failures.length === 0 ? 'no home folder' : failures.join('; '),
        )
      }
      used = found
      await atomicWrite(path.join(found, name), text)
    },
    place: (name) => path.join(used ?? folders[0] ?? 'tuning', name),
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
