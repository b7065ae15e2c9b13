/** Safetensors bytes of a header and data that a test writes itself, so that they may be wrong in any way. */
export function rawSafetensors(
  header: unknown,
  data: Uint8Array = new Uint8Array(),
  headerLength?: bigint,
): Uint8Array {
  const json = header instanceof Uint8Array ? header : new TextEncoder().encode(textOf(header))
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(json.length), true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

function textOf(header: unknown): string {
  return typeof header === 'string' ? header : JSON.stringify(header)
}

/** The bytes of numbers in a little-endian typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}
