/**
 * A device that keeps what it is asked to dispatch and runs nothing, to learn which programs an operation uses. It has no
 * memory either, because a GPU that is not there has none: buffers are names and sizes.
 */
import type { BufferRange } from '../../src/device/buffer.js'
import { Device } from '../../src/device/device.js'
import type { DeviceHost } from '../../src/device/host.js'
import type { Program, Uniforms, Workgroups } from '../../src/device/program.js'

export interface RecordedDispatch {
  readonly program: Program
  readonly bindings: readonly BufferRange[]
  readonly uniforms: Uniforms | undefined
  readonly workgroups: Workgroups
  /** As the kernel declares it: for inner products, twice the number of multiply-adds. */
  readonly work: number
}

export class RecordingDevice extends Device {
  #recorded: RecordedDispatch[] = []

  constructor(host: DeviceHost) {
    super({ ...host, device: withoutMemory(host.device) })
  }

  override dispatch(
    program: Program,
    bindings: readonly BufferRange[],
    uniforms: Uniforms | undefined,
    workgroups: Workgroups,
    work = 0,
  ): void {
    this.#recorded.push({ program, bindings, uniforms, workgroups, work })
  }

  override upload(): void {
    // there is nothing to write to
  }

  /** What was recorded since the last call. */
  takeRecorded(): RecordedDispatch[] {
    const recorded = this.#recorded
    this.#recorded = []
    return recorded
  }
}

/** The same device, except that its buffers do not exist. */
function withoutMemory(device: GPUDevice): GPUDevice {
  const createBuffer = ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => undefined })
  return new Proxy(device, {
    get(target, name) {
      if (name === 'createBuffer') return createBuffer
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
