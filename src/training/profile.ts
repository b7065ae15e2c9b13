/**
 * The profile of a step: what every dispatch of it takes on the GPU and which module it was recorded for, what the step
 * takes as a whole, and what the adapter could do at most.
 */
import { crossEntropy } from '../autograd/ops/cross-entropy.js'
import { formatShape, type Shape } from '../autograd/shape.js'
import type { Tensor } from '../autograd/tensor.js'
import type { Device } from '../device/device.js'
import { OptionError, ShapeError } from '../device/errors.js'
import type { AdapterDescription } from '../device/host.js'
import { noLabel } from '../device/label.js'
import type { MemoryReport } from '../device/pool.js'
import type { KernelTime } from '../device/timestamps.js'
import { fillNormal } from '../kernels/random/normal.js'
import type { Module } from '../nn/module.js'
import { adam } from '../optim/adam.js'
import type { Optimizer } from '../optim/optimizer.js'
import { type AdapterPeaks, measurePeaks } from '../tuning/peaks.js'
import { labelModules, wholeModel } from './module-labels.js'

/** `forward` is inference, without a tape; `training` is forward, loss, backward and optimizer. */
export type StepMode = 'forward' | 'training'

export interface ProfileStepOptions {
  /** Of the images, which are random: [N, H, W, C]. */
  readonly inputShape: Shape
  readonly mode: StepMode
  /** What a training step ends with; Adam with its usual options by default. Its `step()` is called. */
  readonly optimizer?: Optimizer
  /** How many steps are timed without a profile; 3 by default. */
  readonly repetitions?: number
}

/** A part of the recording of a step on the CPU; times in milliseconds, from the beginning of the step. */
export interface Phase {
  readonly name: string
  readonly start: number
  readonly milliseconds: number
}

/** Times are in milliseconds. */
export interface StepProfile {
  readonly mode: StepMode
  readonly inputShape: Shape
  readonly adapter: AdapterDescription
  readonly peaks: AdapterPeaks
  /** The dispatches of the profiled step in order. Each had a pass of its own, so there are gaps between them. */
  readonly dispatches: readonly KernelTime[]
  /** What the CPU did meanwhile: it recorded the step and submitted it. */
  readonly phases: readonly Phase[]
  /**
   * When the first dispatch began, on the clock of `phases`. The clocks of CPU and GPU have nothing in common but that the
   * CPU hears of the end of the last dispatch, so this is at most as much too late as that news.
   */
  readonly gpuStart: number
  /** The sum of the times of all dispatches. */
  readonly gpuTime: number
  /** The median of the steps without a profile, from the first command to the end of the GPU's work. */
  readonly stepTime: number
  /** The part of that in which the CPU recorded and submitted; the median as well. */
  readonly recordingTime: number
  /** Submits of a step without a profile. */
  readonly submits: number
  /** The time of the first step of this profile, which waits for pipelines if the model has not run before. */
  readonly firstStepTime: number
  /** How many pipelines the device has compiled so far. */
  readonly pipelines: number
  /** After the steps; `peak` is the largest use since the engine was created. */
  readonly memory: MemoryReport
}

/**
 * Runs a model for some steps on random images and profiles one. In the mode `training` the model is trained: its
 * parameters and running statistics change. Whether it is in training mode is put back afterwards.
 *
 * @throws OptionError on an adapter without the feature timestamp-query, and for options that make no sense
 * @throws ShapeError when a model in training gives no logits [N, classes]
 */
export async function profileStep(model: Module, options: ProfileStepOptions): Promise<StepProfile> {
  const { inputShape, mode, repetitions = 3 } = options
  const { device } = model.engine
  if (!Number.isSafeInteger(repetitions) || repetitions < 1) {
    throw new OptionError('repetitions', 'a positive integer', repetitions)
  }
  await device.profile(() => undefined) // nothing to measure yet, but where nothing can be measured this throws
  const step = new Step(model, options)
  const modes = new Map([...model.namedModules().values()].map((module) => [module, module.training]))
  model.train(mode === 'training')
  try {
    const firstStepTime = (await step.run()).total
    const { pipelines, submits: before } = device.counts
    const runs: Run[] = []
    for (let i = 0; i < repetitions; i++) runs.push(await step.run())
    const submits = (device.counts.submits - before) / repetitions
    const memory = device.memory()
    const { dispatches, run } = await step.profile()
    return {
      mode,
      inputShape: [...inputShape],
      adapter: device.adapter,
      dispatches,
      phases: run.phases,
      gpuStart: Math.max(0, run.total - Math.max(0, ...dispatches.map(({ end }) => end)) / 1e6),
      gpuTime: dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      stepTime: median(runs.map(({ total }) => total)),
      recordingTime: median(runs.map(({ recording }) => recording)),
      submits,
      firstStepTime,
      pipelines,
      memory,
      peaks: await measurePeaks(device),
    }
  } finally {
    step.release()
    for (const [module, training] of modes) module.training = training
  }
}

/** Times in milliseconds from the beginning of the step. */
interface Run {
  readonly phases: readonly Phase[]
  /** Until everything was submitted. */
  readonly recording: number
  /** Until the GPU had done everything. */
  readonly total: number
}

/** A step of one model that can be run over and over again. */
class Step {
  readonly #device: Device
  readonly #images: Tensor
  readonly #labels: Tensor
  readonly #optimizer: Optimizer | undefined

  constructor(
    private readonly model: Module,
    { inputShape, mode, optimizer }: ProfileStepOptions,
  ) {
    const { engine } = model
    this.#device = engine.device
    this.#optimizer = mode === 'training' ? (optimizer ?? adam(model.trainableParameters())) : undefined
    this.#optimizer?.prepare()
    this.#images = engine.empty(inputShape)
    const { buffer: output, size } = this.#images
    fillNormal(engine.device, { output, size, mean: 0, std: 1, random: { seed: 0, stream: 0 } })
    this.#labels = engine.tensor(new Int32Array(inputShape[0] ?? 0))
  }

  release(): void {
    this.#optimizer?.zeroGrad()
    this.#images.handle.release('the profile that made it')
    this.#labels.handle.release('the profile that made it')
  }

  async run(): Promise<Run> {
    const device = this.#device
    await device.idle()
    const start = performance.now()
    const phases: Phase[] = []
    const phase: PhaseRunner = (name, module, body) => {
      const from = performance.now()
      device.label = { phase: name, module }
      const result = body()
      phases.push({ name, start: from - start, milliseconds: performance.now() - from })
      return result
    }
    try {
      this.model.engine.scope(() => this.#record(phase))
    } finally {
      device.label = noLabel
    }
    const recorded = performance.now()
    await device.flush()
    const submitted = performance.now()
    phases.push({ name: 'submit', start: recorded - start, milliseconds: submitted - recorded })
    await device.submittedWorkDone()
    return { phases, recording: submitted - start, total: performance.now() - start }
  }

  async profile(): Promise<{ dispatches: KernelTime[]; run: Run }> {
    const remove = labelModules(this.model)
    try {
      let run: Run | undefined
      const dispatches = await this.#device.profile(async () => {
        run = await this.run()
      })
      return { dispatches, run: run! }
    } finally {
      remove()
    }
  }

  #record(phase: PhaseRunner): void {
    const { engine } = this.model
    const optimizer = this.#optimizer
    if (!optimizer) {
      phase('forward', wholeModel, () => engine.noGrad(() => this.model.call(this.#images)))
      return
    }
    const logits = phase('forward', wholeModel, () => {
      optimizer.zeroGrad()
      return this.model.call(this.#images)
    })
    if (logits.shape.length !== 2) {
      throw new ShapeError('profileStep', 'a model that gives logits [N, classes]', formatShape(logits.shape))
    }
    const loss = phase('loss', '(loss)', () => crossEntropy(logits, this.#labels))
    phase('backward', '(loss)', () => loss.backward())
    phase('optimizer', '(optimizer)', () => optimizer.step())
  }
}

/** Runs a part of a step, notes its time, and labels what it records with its name and a module or what is like one. */
type PhaseRunner = <T>(name: string, module: string, body: () => T) => T

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
