/** Small programs for tests of the device, which knows nothing of kernels. */
import { type BufferRange, type DeviceBuffer, wholeBuffer } from '../../src/device/buffer.js'
import type { Device } from '../../src/device/device.js'
import type { Program, Uniforms } from '../../src/device/program.js'

let count = 0

/** A program with one uniform `u32` called `value`, and a key of its own, so that it is compiled anew. */
export function testProgram(
  name: string,
  statements: string,
  bindings: readonly ('read' | 'write')[] = ['write'],
): Program {
  const declarations = bindings.map(
    (access, i) =>
      `@group(0) @binding(${i}) var<storage, ${access === 'read' ? 'read' : 'read_write'}> b${i}: array<u32>;`,
  )
  const code = [
    ...declarations,
    '@group(1) @binding(0) var<uniform> value: u32;',
    '@compute @workgroup_size(1) fn main() {',
    statements,
    '}',
  ].join('\n')
  return {
    name,
    key: `${name} ${count++}`,
    bindings: bindings.map((access, i) => ({ name: `b${i}`, access })),
    uniformBytes: 4,
    code: () => code,
  }
}

/** `b0[0] = b0[0] * 10 + value`: the result tells which dispatches ran, and in which order. */
export const appendDigit = (): Program => testProgram('test/append', 'b0[0] = b0[0] * 10u + value;')

/** Adds `value` to `b0[0]`. */
export const add = (): Program => testProgram('test/add', 'b0[0] += value;')

/** Does not compile. */
export const broken = (): Program => testProgram('test/broken', 'b0[0] = nonsense;')

export function run(
  device: Device,
  program: Program,
  buffers: (DeviceBuffer | BufferRange)[],
  value = 1,
  work = 0,
): void {
  const ranges = buffers.map((buffer) => ('gpu' in buffer ? wholeBuffer(buffer) : buffer))
  device.dispatch(program, ranges, uniform(value), [1, 1, 1], work)
}

/** The uniform struct of these programs. */
export function uniform(value: number): Uniforms {
  return { data: Uint32Array.of(value).buffer, refresh: undefined }
}

export function zeros(device: Device, bytes = 4): DeviceBuffer {
  const buffer = device.allocate(bytes)
  device.upload(buffer, new Uint8Array(bytes))
  return buffer
}

export async function firstOf(device: Device, buffer: DeviceBuffer): Promise<number> {
  return new Uint32Array(await device.read(buffer, 0, 4))[0]!
}
