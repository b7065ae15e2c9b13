/** Number formats of weights files that JavaScript has no typed array for, widened to float32 by their bits. */

let halfTable: Uint32Array | undefined

/** Widens IEEE 754 half-precision bits to float32; exact, subnormals, infinities and NaN included. */
export function halfToFloat32(halves: Uint16Array): Float32Array {
  // One table look-up per element: a network has tens of millions of them, and there are only 65,536 halves.
  halfTable ??= Uint32Array.from({ length: 0x10000 }, (_, bits) => halfBitsToFloatBits(bits))
  const bits = new Uint32Array(halves.length)
  for (let index = 0; index < halves.length; index++) bits[index] = halfTable[halves[index]!]!
  return new Float32Array(bits.buffer)
}

/** Widens bfloat16 bits, which are the upper half of a float32, to float32; exact. */
export function bfloat16ToFloat32(values: Uint16Array): Float32Array {
  const bits = new Uint32Array(values.length)
  for (let index = 0; index < values.length; index++) bits[index] = values[index]! << 16
  return new Float32Array(bits.buffer)
}

function halfBitsToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0 // biases are 15 and 127
  if (fraction === 0) return sign >>> 0
  // A subnormal half is fraction * 2^-24 and a normal float32: shift its highest bit to the implicit one.
  const shift = Math.clz32(fraction) - 21
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0
}
