/** The zip format of `torch.save`, the default since PyTorch 1.6: `<root>/data.pkl`, and a storage in each `<root>/data/<key>`. */
import { WeightsError } from '../../device/errors.js'
import type { ByteSource } from '../byte-source.js'
import { openZip, type ZipEntry } from '../zip.js'
import { largestPickle, pickleFailure } from './pickle-failure.js'
import type { Storages } from './storages.js'
import { unpickle } from './unpickle.js'
import type { PickleValue } from './values.js'

const pickleName = 'data.pkl'

export async function openZipFormat(source: ByteSource): Promise<Storages> {
  const entries = await openZip(source)
  const root = rootOf(entries, source.name)
  await checkByteOrder(entries.get(`${root}byteorder`), source.name)
  const storage = (key: string) => entries.get(`${root}data/${key}`)
  return {
    value: await readPickle(entries.get(root + pickleName)!, source.name),
    sizeOf: (key) => storage(key)?.size,
    isCompressed: (key) => storage(key)?.range === undefined,
    read: (key, begin, end) => {
      const entry = storage(key)!
      return begin === 0 && end === entry.size ? entry.read() : entry.readPart(begin, end)
    },
  }
}

/** The folder of the archive in which everything lies; its name is that of the file that was saved, or `archive`. */
function rootOf(entries: ReadonlyMap<string, ZipEntry>, file: string): string {
  const names = [...entries.keys()]
  const roots = names
    .filter((name) => /^([^/]+\/)?data\.pkl$/.test(name))
    .map((name) => name.slice(0, -pickleName.length))
  const [root] = roots
  if (root === undefined || roots.length > 1) {
    const listed = names.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 60)))
    const found = `${roots.length} of them among ${names.length} entries (${listed.join(', ')}, ...)`
    throw new WeightsError(file, { expected: 'an archive of torch.save, with one data.pkl', found })
  }
  if (!entries.has(`${root}constants.pkl`) && !names.some((name) => name.startsWith(`${root}code/`))) return root
  throw new WeightsError(file, {
    expected: 'a state dict',
    found: 'a TorchScript program; save its weights alone: torch.save(torch.jit.load(FILE).state_dict(), OTHER_FILE)',
  })
}

async function checkByteOrder(entry: ZipEntry | undefined, file: string): Promise<void> {
  if (entry === undefined || entry.size > 16) return
  const order = new TextDecoder().decode(await entry.read())
  if (order === 'little') return
  throw new WeightsError(file, { expected: 'little-endian numbers', found: `byte order ${JSON.stringify(order)}` })
}

async function readPickle(entry: ZipEntry, file: string): Promise<PickleValue> {
  if (entry.size > largestPickle) {
    throw new WeightsError(file, { expected: `a pickle of at most ${largestPickle} bytes`, found: `${entry.size}` })
  }
  const bytes = await entry.read()
  try {
    return unpickle(bytes).value
  } catch (error) {
    throw pickleFailure(error, file)
  }
}
