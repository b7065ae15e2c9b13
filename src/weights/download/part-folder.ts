/**
 * The folders in which unfinished downloads lie, beside the file that each becomes:
 *
 *     resnet50-0676ba61.pth.part/                             nobody's: a download that ended early left it
 *     resnet50-0676ba61.pth.3f2a91c4-4711-9be01d72.part/      of process 4711 of the host with that hash
 *
 * A process that downloads owns its folder and nobody else writes there. One that nobody owns any more is taken over by a
 * rename, which only one of several processes can win. There are no locks: nothing has to be waited for or broken, and
 * processes that download the same file at the same time do so in folders of their own.
 */

/** An owner writes, or at least touches its file, far more often than this. */
const millisecondsUntilAbandoned = 120_000

/** The files in a folder: the bytes, and where they came from. */
export const dataName = 'data'
export const originName = 'origin.json'

/**
 * Takes over the longest of the parts that earlier downloads left of a file, or makes a new folder.
 *
 * @returns the path of the folder, which is this process's own
 */
export async function claimPartFolder(destination: string): Promise<string> {
  const fs = await import('node:fs/promises')
  const own = await ownFolder(destination)
  for (const { folder, size } of await abandonedParts(destination)) {
    if (size === undefined) continue
    const now = new Date() // before it is ours: under our name it must never look abandoned
    await succeeds(fs.utimes(`${folder}/${dataName}`, now, now))
    if (await succeeds(fs.rename(folder, own))) return own
  }
  await fs.mkdir(own)
  return own
}

/** Leaves a folder to the next download of the file, in this process or another. */
export async function releasePartFolder(folder: string, destination: string): Promise<void> {
  const { rename } = await import('node:fs/promises')
  // Where another part lies there already, ours keeps its name until it counts as abandoned.
  await succeeds(rename(folder, `${destination}.part`))
}

/** Removes what earlier downloads left of a file that is now complete. */
export async function removeAbandonedParts(destination: string): Promise<void> {
  for (const { folder } of await abandonedParts(destination)) await removePartFolder(folder)
}

/** Removes a folder with the files that belong there; one with anything else in it is not ours to remove. */
export async function removePartFolder(folder: string): Promise<void> {
  const { rm, rmdir } = await import('node:fs/promises')
  for (const name of [dataName, originName]) await succeeds(rm(`${folder}/${name}`))
  await succeeds(rmdir(folder))
}

async function ownFolder(destination: string): Promise<string> {
  return `${destination}.${await hostHash()}-${process.pid}-${crypto.randomUUID().slice(0, 8)}.part`
}

async function hostHash(): Promise<string> {
  const [{ createHash }, { hostname }] = await Promise.all([import('node:crypto'), import('node:os')])
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
}

interface Part {
  readonly folder: string
  /** Of its data; undefined where there is none yet. */
  readonly size: number | undefined
}

/** The folders of this file that nobody writes to any more, the one with the most bytes first. */
async function abandonedParts(destination: string): Promise<Part[]> {
  const [fs, path] = await Promise.all([import('node:fs/promises'), import('node:path')])
  const beside = path.dirname(destination)
  const found: Part[] = []
  for (const entry of await fs.readdir(beside, { withFileTypes: true })) {
    const owner = entry.isDirectory() ? ownerOf(entry.name, path.basename(destination)) : undefined
    if (owner === undefined) continue
    const folder = path.join(beside, entry.name)
    const data = await fs.stat(path.join(folder, dataName)).catch(() => undefined)
    const status = data ?? (await fs.stat(folder).catch(() => undefined))
    if (status === undefined || !(await isAbandoned(owner, status.mtimeMs))) continue
    found.push({ folder, size: data?.size })
  }
  return found.sort((a, b) => (b.size ?? 0) - (a.size ?? 0))
}

interface Owner {
  readonly host: string
  readonly processId: number
}

/** Whose folder it is by its name; undefined where it is no part of this file. */
function ownerOf(name: string, file: string): Owner | 'nobody' | undefined {
  if (name === `${file}.part`) return 'nobody'
  if (!name.startsWith(`${file}.`)) return undefined
  const [, host, processId] = ownerPattern.exec(name.slice(file.length)) ?? []
  return host === undefined ? undefined : { host, processId: Number(processId) }
}

const ownerPattern = /^\.([0-9a-f]{8})-([1-9]\d{0,9})-[0-9a-f]{8}\.part$/

async function isAbandoned(owner: Owner | 'nobody', written: number): Promise<boolean> {
  if (owner === 'nobody') return true
  // Another machine's processes cannot be asked for, and in a container the process that lives has the number of the
  // one that died: then only time tells.
  if (Date.now() - written > millisecondsUntilAbandoned) return true
  return owner.host === (await hostHash()) && !isRunning(owner.processId)
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0) // asks, and sends nothing
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

async function succeeds(action: Promise<unknown>): Promise<boolean> {
  return action.then(
    () => true,
    () => false,
  )
}
