/**
 * A tensor: a shape, a type and GPU memory. Values live on the GPU; `toArray()` and `item()` are the only methods that
 * wait. Nobody disposes of tensors: see scope.ts for who returns their memory.
 */
import type { DeviceBuffer } from '../device/buffer.js'
import { AutogradError, ShapeError } from '../device/errors.js'
import { castFloats } from '../kernels/cast/floats.js'
import type { Engine } from './engine.js'
import { Handle } from './handle.js'
import { backward, type BackwardOptions } from './backward.js'
import type { Place } from './leaf-block.js'
import { formatShape, type Shape, sizeOf } from './shape.js'
import type { TapeNode } from './tape-node.js'

/**
 * `f16` exists for activations and their gradients, on adapters that have it: kernels compute with f32 all the same. `u8` exists
 * for images only: they are cast to `f32` on the GPU.
 */
export type DType = 'f32' | 'f16' | 'i32' | 'u32' | 'u8'

/** The types that kernels compute with. */
export type FloatType = 'f32' | 'f16'

/** Bytes per element. */
export const bytesPerElement: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, u32: 4, u8: 1 }

export type TensorData =
  Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>

export class Tensor {
  /** @internal */
  readonly handle: Handle
  #place: Place | undefined
  #requiresGrad = false
  #grad: Tensor | undefined

  /**
   * Takes over one reference to `buffer`. Use `engine.tensor()` and the operations instead.
   * @internal
   */
  constructor(
    readonly engine: Engine,
    readonly shape: Shape,
    readonly dtype: DType,
    buffer: DeviceBuffer,
  ) {
    this.handle = new Handle(buffer)
    engine.scopes.adopt(this)
  }

  /** The number of elements. */
  get size(): number {
    return sizeOf(this.shape)
  }

  /** The number of dimensions. */
  get rank(): number {
    return this.shape.length
  }

  /** The memory, for kernels. Throws `AutogradError` when it was returned already. */
  get buffer(): DeviceBuffer {
    this.handle.check(this.toString())
    return this.handle.buffer
  }

  /** The operation that made this tensor, if gradients flow through it. */
  get node(): TapeNode | undefined {
    return this.handle.node
  }

  /** Whether no operation on the tape made this tensor. Gradients accumulate in leaves only. */
  get isLeaf(): boolean {
    return this.node === undefined
  }

  get requiresGrad(): boolean {
    return this.#requiresGrad || this.node !== undefined
  }

  set requiresGrad(value: boolean) {
    if (!this.isLeaf) throw new AutogradError(`${this.toString()} is no leaf: detach() it to stop gradients`)
    if (value && this.dtype !== 'f32' && this.dtype !== 'f16') {
      throw new AutogradError(`${this.toString()} cannot have gradients: only f32 and f16 can`)
    }
    this.#requiresGrad = value
  }

  /** The gradient that `backward()` accumulated, or `undefined`. Setting it to `undefined` returns its memory. */
  get grad(): Tensor | undefined {
    return this.#grad
  }

  set grad(gradient: Tensor | undefined) {
    if (this.#grad && this.#grad !== gradient) this.#grad.handle.release('a new gradient')
    if (gradient) this.engine.scopes.keep(gradient)
    this.#grad = gradient
  }

  /** Where a leaf lies that shares its memory with others. @internal */
  get place(): Place | undefined {
    return this.#place
  }

  /** Moves a leaf to memory that it shares with others, where its values are already. @internal */
  moveTo(place: Place, buffer: DeviceBuffer): void {
    this.handle.moveTo(buffer)
    this.#place = place
  }

  /**
   * Computes the gradients of this tensor with respect to every leaf with `requiresGrad` and adds them to their `grad`.
   * Without `gradient` the tensor must hold one element, such as a loss. The tape behind it is released, and with it
   * the tensors between the leaves and this one, unless `retainGraph` is set.
   */
  backward(options: BackwardOptions = {}): void {
    backward(this, options)
  }

  /** The same values without history: gradients stop here, and the memory outlives `backward()`. */
  detach(): Tensor {
    return this.alias(this.shape)
  }

  /** The same memory under another shape of equal size, without history. @internal */
  alias(shape: Shape): Tensor {
    return new Tensor(this.engine, shape, this.dtype, this.buffer.retain())
  }

  /** Waits for the values, of f16 as float32. The layout is row-major in the order of `shape`. */
  async toArray(): Promise<TensorData> {
    if (this.dtype === 'f16') return this.#readHalves()
    const bytes = await this.engine.device.read(this.buffer, 0, this.size * bytesPerElement[this.dtype])
    switch (this.dtype) {
      case 'f32':
        return new Float32Array(bytes)
      case 'i32':
        return new Int32Array(bytes)
      case 'u32':
        return new Uint32Array(bytes)
      case 'u8':
        return new Uint8Array(bytes)
    }
  }

  async #readHalves(): Promise<TensorData> {
    const { device } = this.engine
    const wide = device.allocate(this.size * 4)
    castFloats(device, { input: this.buffer, output: wide, size: this.size })
    try {
      return new Float32Array(await device.read(wide, 0, this.size * 4))
    } finally {
      wide.release()
    }
  }

  /** Waits for the value of a tensor with one element. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new ShapeError('item', 'one element', formatShape(this.shape))
    return (await this.toArray())[0]!
  }

  /** Replaces the values in place. Not allowed on a leaf that requires gradients, except under `noGrad`. */
  set(values: ArrayLike<number>): this {
    if (values.length !== this.size) throw new ShapeError('set', `${this.size} values`, String(values.length))
    this.beforeInPlaceWrite('set')
    this.upload(values)
    return this
  }

  /** Writes values to the memory. @internal */
  upload(values: ArrayLike<number>): void {
    const { device } = this.engine
    if (this.dtype !== 'f16') {
      device.upload(this.buffer, toTypedArray(values, this.dtype))
      return
    }
    const wide = device.allocate(this.size * 4)
    device.upload(wide, toTypedArray(values, 'f32'))
    castFloats(device, { input: wide, output: this.buffer, size: this.size })
    wide.release()
  }

  /** Every in-place write has to call this first: saved tensors notice by the version. @internal */
  beforeInPlaceWrite(operation: string): void {
    if (this.requiresGrad && this.engine.gradEnabled) {
      throw new AutogradError(
        `${operation}: ${this.toString()} requires gradients and cannot be modified in place; ` +
          'wrap the call in engine.noGrad()',
      )
    }
    const { buffer, engine } = this
    engine.device.everyStep(() => {
      buffer.version++
    })
  }

  toString(): string {
    return `Tensor(${this.dtype}${formatShape(this.shape)}${this.node ? ` from ${this.node.operation}` : ''})`
  }
}

/** Values as the typed array of a dtype; a typed array of the right kind is passed through. */
export function toTypedArray(values: ArrayLike<number>, dtype: Exclude<DType, 'f16'>): ArrayBufferView {
  switch (dtype) {
    case 'f32':
      return values instanceof Float32Array ? values : Float32Array.from(values)
    case 'i32':
      return values instanceof Int32Array ? values : Int32Array.from(values)
    case 'u32':
      return values instanceof Uint32Array ? values : Uint32Array.from(values)
    case 'u8':
      return values instanceof Uint8Array ? values : Uint8Array.from(values)
  }
}
