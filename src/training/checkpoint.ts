/**
 * Checkpoints: `PATH.safetensors` holds the model as torchvision would, `PATH.optimizer.safetensors` the optimizer's state,
 * and `PATH.json` what the model is, how it wants its images, and where the run stands. Every file carries the position
 * of the run, so that a checkpoint that was cut off between two files is noticed and not resumed from.
 */
import { OptionError, WeightsError } from '../device/errors.js'
import type { TransformDescription, Transform } from '../data/transforms.js'
import type { Module } from '../nn/module.js'
import type { StateDict } from '../nn/state-dict.js'
import type { GradScaler, GradScalerState } from '../optim/grad-scaler.js'
import type { Optimizer } from '../optim/optimizer.js'
import type { Scheduler, SchedulerState } from '../optim/scheduler.js'
import { atomicWrite } from '../device/node/atomic-write.js'
import { readStateDict, writeStateDict } from '../weights/index.js'
import type { EpochResult } from './history.js'

/** What a checkpoint tells about its model and data, beyond the weights. */
export interface CheckpointDetails {
  /** The model's name in the registry, such as `resnet50`. */
  readonly model?: string
  readonly numClasses?: number
  readonly dataset?: string
  readonly classes?: readonly string[]
  /** [H, W, C] of the images that it was trained with, before the transform. */
  readonly imageShape?: readonly [height: number, width: number, channels: number]
}

/** What an epoch's steps are cut from. */
export interface EpochData {
  readonly batchSize: number
  readonly images: number
}

/** Where a run stands: `epoch` from 1, `step` steps of it done. */
export interface RunPosition {
  readonly epoch: number
  readonly step: number
}

export interface CheckpointState {
  readonly model: Module
  readonly optimizer: Optimizer
  readonly scheduler: Scheduler | undefined
  /** Only where activations are f16. */
  readonly scaler: GradScaler | undefined
  readonly transform: Transform
  readonly details: CheckpointDetails
  readonly position: RunPosition
  readonly epochData: EpochData | undefined
  readonly seed: number
  readonly history: readonly EpochResult[]
}

/** The content of `PATH.json`. */
export interface CheckpointDescription extends CheckpointDetails {
  readonly format: 'daybreak-checkpoint'
  readonly version: 1
  readonly transform: readonly TransformDescription[]
  readonly training: {
    readonly position: RunPosition
    readonly epochData?: EpochData
    readonly seed: number
    /** The state of the random numbers of dropout. */
    readonly random: { readonly seed: number; readonly stream: number }
    readonly scheduler?: SchedulerState
    /** Only of a run with activations of f16. */
    readonly scaler?: GradScalerState
    readonly history: readonly EpochResult[]
  }
}

/** The files of a checkpoint; `path` may be given with or without the extension of one of them. */
export function checkpointFiles(path: string): { weights: string; optimizer: string; description: string } {
  const stem = path.replace(/(\.optimizer)?\.safetensors$|\.json$/, '')
  return {
    weights: `${stem}.safetensors`,
    optimizer: `${stem}.optimizer.safetensors`,
    description: `${stem}.json`,
  }
}

/** Writes a checkpoint. Throws `WeightsError`, and leaves the files as they are, when a weight is NaN or infinite. */
export async function saveCheckpoint(stem: string, state: CheckpointState): Promise<void> {
  const { mkdir } = await import('node:fs/promises')
  const path = await import('node:path')
  const files = checkpointFiles(stem)
  await mkdir(path.dirname(files.weights), { recursive: true })
  const description: CheckpointDescription = {
    format: 'daybreak-checkpoint',
    version: 1,
    ...state.details,
    transform: state.transform.description,
    training: {
      position: { ...state.position },
      epochData: state.epochData,
      seed: state.seed,
      random: state.model.engine.random.state,
      scheduler: state.scheduler?.stateDict(),
      scaler: await state.scaler?.stateDict(),
      history: state.history,
    },
  }
  const metadata = { format: 'pt', position: positionText(state.position), ...state.model.metadata }
  const weights = await state.model.stateDict()
  checkFinite(files.weights, weights)
  const optimizer = await state.optimizer.stateDict()
  await writeStateDict(files.weights, weights, metadata)
  await writeStateDict(files.optimizer, optimizer, metadata)
  await atomicWrite(files.description, `${JSON.stringify(description, undefined, 2)}\n`)
}

/** Reads and checks `PATH.json`. Throws `WeightsError`. */
export async function readCheckpointDescription(path: string): Promise<CheckpointDescription> {
  const { readFile } = await import('node:fs/promises')
  const file = checkpointFiles(path).description
  const text = await readFile(file, 'utf8').catch(() => {
    throw new WeightsError(file, { expected: 'the description of a checkpoint', found: 'no file that can be read' })
  })
  let value: Partial<CheckpointDescription> | null
  try {
    value = JSON.parse(text) as Partial<CheckpointDescription> | null
  } catch {
    throw new WeightsError(file, { expected: 'JSON', found: JSON.stringify(text.slice(0, 40)) })
  }
  if (value?.format !== 'daybreak-checkpoint' || value.version !== 1) {
    throw new WeightsError(file, {
      expected: 'a "daybreak-checkpoint" of version 1',
      found: `"${String(value?.format)}" of version ${String(value?.version)}`,
    })
  }
  if (!Array.isArray(value.transform) || !isTraining(value.training)) {
    throw new WeightsError(file, {
      expected: 'the fields "transform" and "training", complete',
      found: Object.keys(value).join(),
    })
  }
  return value as CheckpointDescription
}

/**
 * Loads a checkpoint into a model and its optimizer and returns where the run stood. Throws `WeightsError`, and
 * `OptionError` when the run had a scheduler or was of another precision than this one.
 */
export async function readTrainingState(
  path: string,
  model: Module,
  optimizer: Optimizer,
  scheduler: Scheduler | undefined,
  scaler: GradScaler | undefined,
): Promise<Pick<CheckpointState, 'epochData' | 'seed' | 'history'> & { position: { epoch: number; step: number } }> {
  const files = checkpointFiles(path)
  const { training } = await readCheckpointDescription(path)
  if ((training.scheduler === undefined) !== (scheduler === undefined)) {
    const [had, has] = training.scheduler ? ['a scheduler', 'none'] : ['no scheduler', 'one']
    throw new OptionError('scheduler', `${had}, like the run that is resumed`, has)
  }
  if ((training.scaler === undefined) !== (scaler === undefined)) {
    const [had, has] = training.scaler ? ['f16', 'f32'] : ['f32', 'f16']
    throw new OptionError('precision', `${had}, like the run that is resumed`, has)
  }
  const [weights, optimizerState] = await Promise.all([readStateDict(files.weights), readStateDict(files.optimizer)])
  const expected = positionText(training.position)
  for (const [file, { metadata }] of [
    [files.weights, weights],
    [files.optimizer, optimizerState],
  ] as const) {
    if (metadata.position === expected) continue
    throw new WeightsError(file, {
      expected: `the checkpoint of ${expected}, as ${files.description} says`,
      found: `that of ${metadata.position ?? 'no position'}: the checkpoint was cut off while it was written`,
    })
  }
  model.loadStateDict(weights.stateDict)
  optimizer.loadStateDict(optimizerState.stateDict)
  if (training.scheduler) scheduler?.loadStateDict(training.scheduler)
  if (training.scaler) scaler?.loadStateDict(training.scaler)
  model.engine.random.state = training.random
  const { position, epochData, seed, history } = training
  return { position: { ...position }, epochData, seed, history }
}

function positionText({ epoch, step }: RunPosition): string {
  return `epoch ${epoch}, step ${step}`
}

function isTraining(value: Partial<CheckpointDescription['training']> | null | undefined): boolean {
  const { position, seed, random, history, scaler } = value ?? {}
  return (
    [position?.epoch, position?.step, seed, random?.seed, random?.stream].every(
      (number) => Number.isSafeInteger(number) && number! >= 0,
    ) &&
    Array.isArray(history) &&
    (scaler === undefined || (scaler.scale >= 0 && scaler.growthTracker >= 0))
  )
}

function checkFinite(file: string, weights: StateDict): void {
  for (const [tensor, { data }] of weights) {
    for (const value of data) {
      if (typeof value === 'bigint' || Number.isFinite(value)) continue
      const found = `${value}; training has diverged, and the file was not written`
      throw new WeightsError(file, { tensor, expected: 'finite values', found })
    }
  }
}
