/**
 * Where Daybreak keeps files that it can make again: DAYBREAK_CACHE, else the user's cache folder, else (when neither
 * can be written) a private temporary folder that goes when the process ends.
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
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
