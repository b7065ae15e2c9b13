/** Deterministic inputs: every run, on every machine, computes with the same numbers. */
import type { Engine } from '../../src/autograd/engine.js'
import { type Shape, sizeOf } from '../../src/autograd/shape.js'
import type { Tensor } from '../../src/autograd/tensor.js'

/** Numbers in [-scale, scale) from an integer hash of the index. */
export function hashedValues(length: number, seed = 1, scale = 1): Float32Array<ArrayBuffer> {
  const offset = Math.imul(seed, 0x9e3779b1)
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) {
    let hash = (Math.imul(i, 2654435761) + offset) | 0
    hash = Math.imul(hash ^ (hash >>> 15), 2246822519)
    hash = Math.imul(hash ^ (hash >>> 13), 3266489917)
    values[i] = (((hash ^ (hash >>> 16)) >>> 8) / 8388608 - 1) * scale
  }
  return values
}

/** An f32 tensor with such numbers. */
export function hashedTensor(engine: Engine, shape: Shape, seed = 1, scale = 1): Tensor {
  return engine.tensor(hashedValues(sizeOf(shape), seed, scale), shape)
}

/** Labels i32 [rows] from 0 to classes - 1. */
export function hashedLabels(engine: Engine, rows: number, classes: number): Tensor {
  return engine.tensor(Int32Array.from(hashedValues(rows, 3), (value) => Math.floor(((value + 1) / 2) * classes)))
}
