/** What the device checks before it records a command. */
import type { BufferRange, DeviceBuffer } from './buffer.js'
import type { DeviceLimits } from './device.js'
import { KernelError } from './errors.js'
import type { Program, Workgroups } from './program.js'

/** Throws `KernelError` for a dispatch with buffers or a grid that WebGPU would refuse, or that were released. */
export function checkDispatch(
  limits: DeviceLimits,
  program: Program,
  bindings: readonly BufferRange[],
  workgroups: Workgroups,
): void {
  if (bindings.length !== program.bindings.length) {
    throw new KernelError(program.name, `expected ${program.bindings.length} buffers, got ${bindings.length}`)
  }
  for (const [i, { buffer, offset, size }] of bindings.entries()) {
    const { name, access } = program.bindings[i]!
    if (buffer.released) throw new KernelError(program.name, `the buffer "${name}" was released`)
    if (size > limits.bindingSize || (buffer.gpuOffset + offset) % limits.offsetAlignment !== 0) {
      throw new KernelError(
        program.name,
        `the binding "${name}" has ${size} bytes at ${offset}; the device allows ${limits.bindingSize} bytes ` +
          `at multiples of ${limits.offsetAlignment}`,
      )
    }
    const other = bindings.findIndex((range, j) => j !== i && range.buffer.id === buffer.id)
    if (other >= 0 && program.bindings[other]!.access !== access) {
      throw new KernelError(
        program.name,
        `"${name}" and "${program.bindings[other]!.name}" are the same buffer, once to read and once to write`,
      )
    }
  }
  if (workgroups.some((count) => count > limits.workgroupsPerDimension || count < 1)) {
    throw new KernelError(
      program.name,
      `a grid of ${workgroups.join(' x ')} workgroups; the device allows 1 to ${limits.workgroupsPerDimension} ` +
        'in each dimension',
    )
  }
}

/** Throws `KernelError` when a copy, upload or read-back touches what is not part of the buffer. */
export function checkPart(
  operation: string,
  { released, byteLength }: DeviceBuffer,
  offset: number,
  size: number,
): void {
  if (released) throw new KernelError(operation, 'the buffer was released')
  if (offset < 0 || offset + size > byteLength) {
    throw new KernelError(operation, `${size} bytes at ${offset} of a buffer of ${byteLength} bytes`)
  }
}
