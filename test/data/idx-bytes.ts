/** An IDX file of unsigned bytes. */
export function idxBytes(shape: readonly number[], data: ArrayLike<number>, type = 0x08): Uint8Array {
  const header = new Uint8Array(4 + 4 * shape.length)
  header.set([0, 0, type, shape.length])
  const view = new DataView(header.buffer)
  shape.forEach((size, index) => view.setUint32(4 + 4 * index, size))
  return Uint8Array.of(...header, ...Array.from(data))
}
