/**
 * How a measuring process is told what to do, and what it answers. A request is the first argument, as JSON; the answer
 * and the output are files, because engines print what they like.
 */
import type { ComparedCase } from '../support/compared.js'
import type { Effort } from '../support/measure.js'

export interface PeerRequest {
  readonly case: ComparedCase
  readonly effort: Effort
  /** Whether only the first execution is timed. */
  readonly onlyFirst: boolean
  /** How many training steps give the losses that are compared. */
  readonly steps: number
  readonly adam: { readonly lr: number; readonly eps: number }
  /** Dawn's name of the adapter, where the user has asked for one. */
  readonly adapter?: string
  /** An empty folder, for `answerFile` and `outputFile`. */
  readonly folder: string
}

/** JSON: a `PeerAnswer`. */
export const answerFile = 'answer.json'
/** The output as float32, in Daybreak's order (images NHWC); of training steps their losses. */
export const outputFile = 'output.f32'
/** For engines that open a file: the case as an ONNX model. */
export const modelFile = 'model.onnx'

/** Times are milliseconds of one execution, memory 10^6 bytes. */
export interface PeerAnswer {
  readonly version?: string
  /** What has computed: a GPU's name, or the CPU and its threads. */
  readonly adapter?: string
  /** From the call until the output or loss is known; model and data are there before. */
  readonly firstMs?: number
  /** The median. */
  readonly ms?: number
  readonly fastestMs?: number
  readonly slowestMs?: number
  readonly samples?: number
  /** The most memory that the process has had. */
  readonly peakMB?: number
  /** The most memory that Daybreak's tensors have had. */
  readonly tensorsMB?: number
  /** Errors that the GPU has reported to nobody in particular: results are not to be trusted. */
  readonly gpuErrors?: number
  readonly gpuError?: string
  /** Why the engine cannot run the case. */
  readonly unsupported?: string
  /** How it failed. */
  readonly error?: string
}
