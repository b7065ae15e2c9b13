/**
 * Bind groups by layout and buffers. The pool hands the same buffers out in the same order every step, so nearly every
 * dispatch of a training loop finds its bind group here (creating one costs 8 to 22 microseconds).
 */
import type { BufferRange } from './buffer.js'
import type { PipelineEntry } from './pipelines.js'

const capacity = 8192

export class BindGroupCache {
  readonly #groups = new Map<string, { readonly group: GPUBindGroup; readonly buffers: readonly number[] }>()
  readonly #keysOfBuffer = new Map<number, Set<string>>()
  readonly #layoutIds = new Map<GPUBindGroupLayout, number>()

  constructor(private readonly gpu: GPUDevice) {}

  get(entry: PipelineEntry, ranges: readonly BufferRange[]): GPUBindGroup {
    const key = this.#key(entry, ranges)
    const known = this.#groups.get(key)
    if (known) return known.group
    if (this.#groups.size >= capacity) this.clear()
    const group = this.gpu.createBindGroup({
      label: entry.program.name,
      layout: entry.bindGroupLayout,
      entries: ranges.map(({ buffer, offset, size }, binding) => ({
        binding,
        resource: { buffer: buffer.gpu, offset: buffer.gpuOffset + offset, size },
      })),
    })
    const buffers = ranges.map(({ buffer }) => buffer.id)
    this.#groups.set(key, { group, buffers })
    for (const id of buffers) {
      let keys = this.#keysOfBuffer.get(id)
      if (!keys) this.#keysOfBuffer.set(id, (keys = new Set()))
      keys.add(key)
    }
    return group
  }

  /** Forgets every group that names a destroyed buffer. */
  forget(bufferId: number): void {
    for (const key of this.#keysOfBuffer.get(bufferId) ?? []) {
      // the buffers that live on must not collect the keys of groups that are gone
      for (const id of this.#groups.get(key)?.buffers ?? []) this.#keysOfBuffer.get(id)?.delete(key)
      this.#groups.delete(key)
    }
    this.#keysOfBuffer.delete(bufferId)
  }

  clear(): void {
    this.#groups.clear()
    this.#keysOfBuffer.clear()
  }

  #key(entry: PipelineEntry, ranges: readonly BufferRange[]): string {
    let layoutId = this.#layoutIds.get(entry.bindGroupLayout)
    if (layoutId === undefined) this.#layoutIds.set(entry.bindGroupLayout, (layoutId = this.#layoutIds.size))
    let key = String(layoutId)
    for (const { buffer, offset, size } of ranges) key += `|${buffer.id}:${buffer.gpuOffset + offset}:${size}`
    return key
  }
}
