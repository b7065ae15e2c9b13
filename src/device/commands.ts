/** What is recorded, by the command stream and for plans. */
import { bytesOf, type BufferRange, type DeviceBuffer } from './buffer.js'
import type { DispatchLabel } from './label.js'
import type { PipelineEntry } from './pipelines.js'
import type { Uniforms, Workgroups } from './program.js'
import type { MeasuredDispatch } from './timestamps.js'

export interface DispatchCommand {
  readonly kind: 'dispatch'
  readonly entry: PipelineEntry
  readonly bindings: readonly BufferRange[]
  readonly uniforms: Uniforms | undefined
  readonly workgroups: Workgroups
  /** The count of arithmetic operations, which bounds the submit. */
  readonly work: number
  readonly label: DispatchLabel
}

/** A physical buffer, and where in it something begins, in bytes. */
export interface CopyOperand {
  readonly gpu: GPUBuffer
  readonly gpuOffset: number
}

/** All numbers in bytes. */
export interface CopyCommand<B extends CopyOperand = CopyOperand> {
  readonly kind: 'copy'
  readonly source: B
  readonly sourceOffset: number
  readonly destination: B
  readonly destinationOffset: number
  readonly size: number
}

export interface WriteCommand {
  readonly kind: 'write'
  readonly destination: DeviceBuffer
  readonly offset: number
  readonly data: Uint8Array<ArrayBuffer>
}

/** Who takes what a device is told. */
export interface CommandSink {
  record(command: DispatchCommand | CopyCommand<DeviceBuffer>): void
  /** Writes bytes, after everything recorded so far. They may be changed as soon as this returns. */
  upload(destination: DeviceBuffer, offset: number, bytes: Uint8Array<ArrayBuffer>): void
}

/** WebGPU guarantees that dynamic uniform offsets may be multiples of 256, and no uniform struct here is larger. */
export const uniformStride = 256

/** What a profile tells of a dispatch besides its time. */
export function measured({ entry, label, work, bindings, workgroups }: DispatchCommand): MeasuredDispatch {
  return { kernel: entry.program.name, label, operations: work, bytes: bytesOf(bindings), workgroups }
}
