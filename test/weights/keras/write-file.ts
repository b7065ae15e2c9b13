/** HDF5 files for tests, written by h5wasm. */
import h5wasm, { type File } from 'h5wasm'

/** Arrays by their paths, with as many elements as their shapes. */
export type Arrays = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>

/**
 * The bytes of a file.
 *
 * @param attributes texts, by the path of their group and their name
 */
export async function writeHdf5(
  arrays: Arrays,
  attributes: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { FS } = await h5wasm.ready
  const file = new h5wasm.File('/written.h5', 'w')
  for (const [path, { shape, data }] of Object.entries(arrays)) {
    const groups = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= groups.length; depth++) makeGroup(file, groups.slice(0, depth).join('/'))
    file.create_dataset({ name: path, data, shape: [...shape], dtype: '<f' })
  }
  for (const [path, texts] of Object.entries(attributes)) {
    const group = path === '/' ? file : file.get(path)
    for (const [name, text] of Object.entries(texts)) (group as File).create_attribute(name, text)
  }
  file.close()
  return Uint8Array.from(FS.readFile('/written.h5'))
}

function makeGroup(file: File, path: string): void {
  if (file.get(path) === null) file.create_group(path)
}
