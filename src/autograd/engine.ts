/**
 * The engine: a device with tensors. Creates tensors, owns the scopes, the gradient mode and the random state.
 *
 * What lives in src/autograd: tensors, the tape, the backward pass; ops/ has one file per operation, with its forward
 * call and its gradient rule. What does not: WGSL, and anything with parameters of its own (src/nn).
 */
import { Device, type DeviceOptions } from '../device/device.js'
import { AutogradError, OptionError, ShapeError } from '../device/errors.js'
import { type DeviceHost, subgroupSizeOf } from '../device/host.js'
import type { OpenOptions } from '../device/node.js'
import type { MemoryReport } from '../device/pool.js'
import { fill } from '../kernels/fill/fill.js'
import type { RandomNumbers } from '../kernels/random/random-numbers.js'
import { openTuner, type TuneOptions } from '../tuning/open-tuner.js'
import { Tuner } from '../tuning/tuner.js'
import { Recomputation } from './recomputation.js'
import { RandomState, type RandomStream } from './random-state.js'
import { ScopeStack } from './scope.js'
import { checkShape, formatShape, type Shape, sizeOf } from './shape.js'
import { bytesPerElement, type DType, type FloatType, Tensor } from './tensor.js'

export interface EngineOptions extends OpenOptions, DeviceOptions, TuneOptions {
  /** A device that the caller has opened, in a browser or elsewhere; the engine does not destroy it unless asked. */
  device?: GPUDevice
  /** The seed of initialisation and dropout; 0 by default. */
  seed?: number
}

export interface TensorOptions {
  dtype?: DType
  requiresGrad?: boolean
}

export class Engine {
  readonly random: RandomState
  /** @internal */
  readonly scopes = new ScopeStack()
  /** @internal */
  readonly recomputation = new Recomputation()
  #gradEnabled = true

  constructor(
    readonly device: Device,
    seed = 0,
    /** Chooses kernel variants; by default with nothing that was measured. */
    readonly tuner: Tuner = new Tuner(device),
  ) {
    this.random = new RandomState(seed)
  }

  /** Whether operations are put on the tape. */
  get gradEnabled(): boolean {
    return this.#gradEnabled
  }

  /** A tensor with the given values, in row-major order of `shape` (by default one dimension). */
  tensor(values: ArrayLike<number>, shape: Shape = [values.length], options: TensorOptions = {}): Tensor {
    checkShape('tensor', shape)
    if (values.length !== sizeOf(shape)) {
      throw new ShapeError('tensor', `${sizeOf(shape)} values for ${formatShape(shape)}`, `${values.length} values`)
    }
    const dtype = options.dtype ?? dtypeOf(values)
    const tensor = this.empty(shape, dtype)
    tensor.upload(values)
    if (options.requiresGrad) tensor.requiresGrad = true
    return tensor
  }

  /** A tensor with undefined contents. Throws `OptionError` for f16 on an adapter without the feature `shader-f16`. */
  empty(shape: Shape, dtype: DType = 'f32'): Tensor {
    checkShape('empty', shape)
    const half = dtype === 'f16'
    if (half) this.requireHalf('dtype')
    return new Tensor(this, [...shape], dtype, this.device.allocate(sizeOf(shape) * bytesPerElement[dtype], half))
  }

  /** Whether the adapter has f16. */
  get hasHalf(): boolean {
    return this.device.features.has('shader-f16')
  }

  /** Throws `OptionError` unless the adapter has f16; `option` is what asked for it. */
  requireHalf(option: string): void {
    if (this.hasHalf) return
    throw new OptionError(option, `f32, as ${this.device.adapter.name} has no shader-f16`, 'f16')
  }

  /** A tensor with one value everywhere, f32 by default. */
  full(shape: Shape, value: number, dtype: FloatType = 'f32'): Tensor {
    const tensor = this.empty(shape, dtype)
    fill(this.device, { output: tensor.buffer, size: tensor.size, value })
    return tensor
  }

  zeros(shape: Shape): Tensor {
    return this.full(shape, 0)
  }

  ones(shape: Shape): Tensor {
    return this.full(shape, 1)
  }

  /** Runs a synchronous function without recording a tape. */
  noGrad<T>(body: () => T): T {
    return this.#withGrad(false, 'noGrad', body)
  }

  /** Runs a synchronous function that records a tape, inside of `noGrad` too. */
  enableGrad<T>(body: () => T): T {
    return this.#withGrad(true, 'enableGrad', body)
  }

  #withGrad<T>(enabled: boolean, name: string, body: () => T): T {
    const before = this.#gradEnabled
    this.#gradEnabled = enabled
    try {
      const result = body()
      if (result instanceof Promise) {
        throw new AutogradError(`${name} takes a synchronous function: read values back after it has returned`)
      }
      return result
    } finally {
      this.#gradEnabled = before
    }
  }

  /**
   * Runs a synchronous function and returns the memory of every tensor that it made, except those it returns.
   * Modules and the trainer do this by themselves; a training loop written by hand may wrap its step.
   */
  scope<T>(body: () => T): T {
    return this.scopes.run(body)
  }

  /** Random numbers for one use, such as one call of dropout. Each replay of a recorded step draws new ones. @internal */
  drawRandom(): RandomNumbers {
    return this.recomputation.draw(() => {
      let drawn: RandomStream
      const draw = () => {
        drawn = this.random.next()
      }
      if (this.device.recording) this.device.everyStep(draw)
      else draw()
      return { seed: () => drawn.seed, stream: () => drawn.stream }
    })
  }

  /** Restarts the random numbers of initialisation and dropout. */
  manualSeed(seed: number): void {
    this.random.reset(seed)
  }

  memory(): MemoryReport {
    return this.device.memory()
  }

  /** Waits until the GPU has done everything recorded so far. */
  async idle(): Promise<void> {
    await this.device.idle()
  }

  /** Ends the engine and its device. Tensors cannot be used afterwards. */
  destroy(): void {
    this.device.destroy()
  }
}

/**
 * Opens an adapter and creates an engine on it: a real GPU if there is one, else a software driver of the system, else
 * the bundled software driver. Throws `AdapterNotFoundError`, which says what to install.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const host = options.device ? givenDevice(options.device) : await openFromNode(options)
  const device = new Device(host, options)
  try {
    return new Engine(device, options.seed, await openTuner(device, options))
  } catch (error) {
    if (!options.device) device.destroy()
    throw error
  }
}

async function openFromNode(options: OpenOptions): Promise<DeviceHost> {
  const { openDevice } = await import('../device/node.js')
  return openDevice(options)
}

function givenDevice(device: GPUDevice): DeviceHost {
  const { vendor, architecture, description } = device.adapterInfo
  const name = description || vendor || 'given device'
  return {
    device,
    adapter: {
      name,
      driver: '',
      vendor,
      architecture,
      kind: 'gpu',
      source: 'given',
      subgroupSize: subgroupSizeOf(device),
    },
    limits: device.limits,
    asynchronous: (start) => start(),
  }
}

function dtypeOf(values: ArrayLike<number>): DType {
  if (values instanceof Int32Array) return 'i32'
  if (values instanceof Uint32Array) return 'u32'
  if (values instanceof Uint8Array) return 'u8'
  return 'f32'
}
