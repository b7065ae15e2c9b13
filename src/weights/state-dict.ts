import type { StateDict } from '../nn/state-dict.js'

export type { NamedArray, StateDict, StateDictDtype } from '../nn/state-dict.js'

/** What a weights file holds. */
export interface WeightsFile {
  readonly stateDict: StateDict
  /** The format's free-form strings, such as safetensors' `__metadata__`; empty where it has none, without prototype. */
  readonly metadata: Record<string, string>
}

/** The number of elements of a shape; 1 for a scalar (`[]`). */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
