/**
 * Element types of weights files, by PyTorch's names, and what becomes of them in memory: every float becomes float32
 * (a float64 beyond its range becomes infinite), integers of up to 32 bits become int32, uint8, bool and int64 stay.
 */
import type { NamedArray, StateDictDtype } from '../nn/state-dict.js'

/** Bytes per element. */
export const elementSizes = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e4m3fn: 1,
  float8_e5m2: 1,
  int64: 8,
  int32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
} as const

export type ElementType = keyof typeof elementSizes

/** The type in memory of each type in a file. */
export const decodedTypes: Readonly<Record<ElementType, StateDictDtype>> = {
  float64: 'float32',
  float32: 'float32',
  float16: 'float32',
  bfloat16: 'float32',
  float8_e4m3fn: 'float32',
  float8_e5m2: 'float32',
  int64: 'int64',
  int32: 'int32',
  int16: 'int32',
  uint16: 'int32',
  int8: 'int32',
  uint8: 'uint8',
  bool: 'bool',
}

/**
 * Elements as they lie in a file -> an array of a state dict. Little-endian, as every platform is that runs WebGPU.
 * Data that is aligned and keeps its type is not copied: the array is then a view on `bytes`.
 *
 * @param bytes as many as the shape needs, exactly
 */
export function decode(bytes: Uint8Array, type: ElementType, shape: readonly number[]): NamedArray {
  switch (type) {
    case 'float32':
      return { shape, dtype: 'float32', data: view(Float32Array, bytes) }
    case 'float64':
      return { shape, dtype: 'float32', data: Float32Array.from(view(Float64Array, bytes)) }
    case 'float16':
      return { shape, dtype: 'float32', data: widen(view(Uint16Array, bytes), 'float16') }
    case 'bfloat16':
      return { shape, dtype: 'float32', data: bfloat16ToFloat32(view(Uint16Array, bytes)) }
    case 'float8_e4m3fn':
      return { shape, dtype: 'float32', data: widen(bytes, 'float8_e4m3fn') }
    case 'float8_e5m2':
      return { shape, dtype: 'float32', data: widen(bytes, 'float8_e5m2') }
    case 'int64':
      return { shape, dtype: 'int64', data: view(BigInt64Array, bytes) }
    case 'int32':
      return { shape, dtype: 'int32', data: view(Int32Array, bytes) }
    case 'int16':
      return { shape, dtype: 'int32', data: Int32Array.from(view(Int16Array, bytes)) }
    case 'uint16':
      return { shape, dtype: 'int32', data: Int32Array.from(view(Uint16Array, bytes)) }
    case 'int8':
      return { shape, dtype: 'int32', data: Int32Array.from(view(Int8Array, bytes)) }
    case 'uint8':
    case 'bool':
      return { shape, dtype: type, data: view(Uint8Array, bytes) }
  }
}

/** The bits of exponent and fraction, and whether the largest exponent is for infinities and NaN as in IEEE 754. */
const smallFloats = {
  float16: { exponentBits: 5, fractionBits: 10, ieee: true },
  float8_e5m2: { exponentBits: 5, fractionBits: 2, ieee: true },
  // Micikevicius et al., 2022, https://arxiv.org/abs/2209.05433: no infinities, NaN where all bits are set
  float8_e4m3fn: { exponentBits: 4, fractionBits: 3, ieee: false },
} as const

type SmallFloat = keyof typeof smallFloats

const tables = new Map<SmallFloat, Float32Array>()

/** Small floats to float32, exactly. One look-up per element: a network has tens of millions, and there are few values. */
function widen(values: Uint8Array | Uint16Array, type: SmallFloat): Float32Array {
  const table = tables.get(type) ?? tableOf(type)
  const result = new Float32Array(values.length)
  for (let index = 0; index < values.length; index++) result[index] = table[values[index]!]!
  return result
}

function tableOf(type: SmallFloat): Float32Array {
  const { exponentBits, fractionBits, ieee } = smallFloats[type]
  const table = new Float32Array(2 ** (1 + exponentBits + fractionBits))
  const bias = 2 ** (exponentBits - 1) - 1
  for (let bits = 0; bits < table.length; bits++) {
    const sign = bits < table.length / 2 ? 1 : -1
    const exponent = (bits >> fractionBits) % 2 ** exponentBits
    const fraction = (bits % 2 ** fractionBits) / 2 ** fractionBits
    const isLast = exponent === 2 ** exponentBits - 1
    const value = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias)
    const isNaN = isLast && (ieee ? fraction > 0 : fraction === 1 - 2 ** -fractionBits)
    table[bits] = isNaN ? NaN : sign * (isLast && ieee ? Infinity : value)
  }
  tables.set(type, table)
  return table
}

/** bfloat16 is the upper half of a float32. */
function bfloat16ToFloat32(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length)
  for (let index = 0; index < values.length; index++) bits[index] = values[index]! << 16
  return new Float32Array(bits.buffer)
}

interface TypedArrayClass<T> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T
}

/** A view where the data is aligned, else a copy. */
function view<T>(type: TypedArrayClass<T>, bytes: Uint8Array): T {
  const length = bytes.length / type.BYTES_PER_ELEMENT
  if (bytes.byteOffset % type.BYTES_PER_ELEMENT === 0) return new type(bytes.buffer, bytes.byteOffset, length)
  const copy = new Uint8Array(bytes.length) // not bytes.slice(), which copies nothing for a Buffer
  copy.set(bytes)
  return new type(copy.buffer, 0, length)
}
