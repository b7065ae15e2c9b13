/** What moves bytes between the CPU and the GPU: buffers that can be mapped, and arrays as the queue wants them. */
import { bucketSize, GPUBufferUsageFlags } from './pool.js'

/** Larger transfers are cut into pieces, or get a buffer of their own that is not kept. */
export const largestKeptTransfer = 16 * 2 ** 20

/** Mappable buffers for read-backs, kept by size for the next read. */
export class ReadBackBuffers {
  readonly #free = new Map<number, GPUBuffer[]>()

  constructor(
    private readonly gpu: GPUDevice,
    private readonly maxBufferSize: number,
  ) {}

  take(bytes: number): GPUBuffer {
    const size = Math.max(bytes, Math.min(bucketSize(bytes), this.maxBufferSize))
    return (
      this.#free.get(size)?.pop() ??
      this.gpu.createBuffer({
        label: 'read-back',
        size,
        usage: GPUBufferUsageFlags.mapRead | GPUBufferUsageFlags.copyDestination,
      })
    )
  }

  /** Takes an unmapped buffer back. */
  giveBack(buffer: GPUBuffer): void {
    if (buffer.size > largestKeptTransfer) {
      buffer.destroy()
      return
    }
    const bucket = this.#free.get(buffer.size) ?? []
    bucket.push(buffer)
    this.#free.set(buffer.size, bucket)
  }

  trim(): void {
    for (const bucket of this.#free.values()) for (const buffer of bucket.splice(0)) buffer.destroy()
  }
}

/** The bytes of an array, padded to a multiple of four; a copy only where they need padding or lie in shared memory. */
export function bytesToWrite(data: ArrayBufferView): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const shared = typeof SharedArrayBuffer !== 'undefined' && data.buffer instanceof SharedArrayBuffer
  if (bytes.byteLength % 4 === 0 && !shared) return bytes as Uint8Array<ArrayBuffer>
  const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  padded.set(bytes)
  return padded
}
