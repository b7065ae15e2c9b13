/**
 * State dicts: the weights of a module as named arrays on the CPU, exactly as torchvision names and lays them out.
 * `Module.stateDict()` makes one, `Module.loadStateDict()` takes one, and src/weights reads and writes them as files.
 */

/**
 * One array of a state dict, in row-major order. `dtype` says what `data` is: half-precision and double-precision
 * floats of a file are `float32` here, small integers are `int32`, and `bool` is one byte per element.
 */
export type NamedArray =
  | { readonly shape: readonly number[]; readonly dtype: 'float32'; readonly data: Float32Array }
  | { readonly shape: readonly number[]; readonly dtype: 'int32'; readonly data: Int32Array }
  | { readonly shape: readonly number[]; readonly dtype: 'int64'; readonly data: BigInt64Array }
  | { readonly shape: readonly number[]; readonly dtype: 'uint8' | 'bool'; readonly data: Uint8Array }

/** PyTorch's names of the element types that a state dict holds in memory. */
export type StateDictDtype = NamedArray['dtype']

/**
 * Named arrays with **torchvision's names and layouts**: convolution weights are [out, in / groups, height, width]
 * (OIHW), linear weights [out, in], batch-norm statistics [channels], `num_batches_tracked` a scalar (`shape: []`).
 * A Map, because the names of a file are not to be trusted as property names of an object.
 */
export type StateDict = Map<string, NamedArray>

/** An array that is still in its file: what it is, and a way to read it. */
export interface StoredArray {
  readonly shape: readonly number[]
  /** The type of what `read()` gives. */
  readonly dtype: StateDictDtype
  /**
   * Reads and decodes the elements; nothing is kept, so each call reads again.
   *
   * @param scratch memory that may be used instead of new one; the array may then be a view on it
   */
  read(scratch?: Uint8Array<ArrayBuffer>): Promise<NamedArray>
}
