/**
 * Where Daybreak keeps files that it can make again: DAYBREAK_CACHE, else the user's cache folder, else (when neither
 * can be written) a private temporary folder that goes when the process ends.
 */
import { rmSync } from 'node:fs'
import { access, constants, mkdir, mkdtemp } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { environmentVariable } from './environment.js'

/** The folders that outlive the process, best first. They need not exist, and may turn out to be read-only. */
export function lastingCacheFolders(): string[] {
  const folders: string[] = []
  const chosen = environmentVariable('DAYBREAK_CACHE')
  if (chosen !== undefined) folders.push(path.resolve(chosen))
  const userCache = environmentVariable('XDG_CACHE_HOME') ?? inHomeFolder('.cache')
  if (userCache !== undefined) folders.push(path.join(userCache, 'daybreak'))
  return folders
}

/** Why files cannot be written to a folder. */
export interface UnwritableFolder {
  readonly folder: string
  readonly error: unknown
}

/** The first of some folders that can be made and written, or what was wrong with each of them. */
export async function firstWritableFolder(folders: readonly string[]): Promise<string | readonly UnwritableFolder[]> {
  const failures: UnwritableFolder[] = []
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true })
      await access(folder, constants.W_OK | constants.X_OK)
      return folder
    } catch (error) {
      failures.push({ folder, error })
    }
  }
  return failures
}

/** A new folder that only this user can read and that is removed when the process ends. */
export async function temporaryCacheFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'daybreak-'))
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** A path in the user's home folder; containers sometimes run under a user without one. */
export function inHomeFolder(name: string): string | undefined {
  try {
    return path.join(os.homedir(), name)
  } catch {
    return undefined
  }
}
