/** Where a run's files go. What is wrong with the place is found before training, not when the first epoch ends. */
import { constants } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { OptionError } from '../device/errors.js'
import { checkpointFiles } from '../training/index.js'

export interface Output {
  /** The path of the checkpoint without an extension. */
  readonly stem: string
  /** Whether there is a checkpoint already. */
  readonly exists: boolean
}

/** Makes the folder that a file goes to, which an option names. Throws `OptionError` where nothing can be written. */
export async function prepareFolder(option: string, given: string, folder = path.dirname(given)): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new OptionError(option, `a path in a folder that can be written (${reason})`, given)
  }
}

/** Makes the folder that a checkpoint goes to. Throws `OptionError` where nothing can be written. */
export async function prepareOutput(given: string): Promise<Output> {
  const stem = checkpointFiles(given).description.slice(0, -'.json'.length)
  if (stem === '' || /[/\\]$/.test(stem)) {
    throw new OptionError('output', 'a path that ends in the name of a checkpoint', given)
  }
  await prepareFolder('output', given, path.dirname(stem))
  const found = await Promise.all(Object.values(checkpointFiles(stem)).map((file) => stat(file).catch(() => undefined)))
  if (found.some((status) => status?.isDirectory())) {
    throw new OptionError('output', 'a path at which no folder stands in the way of the files', given)
  }
  return { stem, exists: found.some((status) => status !== undefined) }
}
