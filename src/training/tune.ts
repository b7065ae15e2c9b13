/**
 * Tuning before a run: a step is recorded once without running, which tells the problems that it consists of; then the
 * tuner measures those that nobody has measured on this adapter.
 */
import { crossEntropy } from '../autograd/ops/cross-entropy.js'
import type { Shape } from '../autograd/shape.js'
import type { Module } from '../nn/module.js'
import { measureProblems, type MeasureProblemsOptions, type TuningReport } from '../tuning/measure-problems.js'
import type { TuningProblem } from '../tuning/tunable.js'
import type { StepMode } from './profile.js'

export type { MeasuringProgress, TunedProblem, TuningReport } from '../tuning/measure-problems.js'

export interface TuneStepOptions extends MeasureProblemsOptions {
  /** Of the model's input: [N, H, W, C]. */
  readonly inputShape: Shape
  /** `forward` is inference; `training` is a step of training with cross-entropy, and inference, which tests it. */
  readonly mode: StepMode
}

/**
 * Measures, for every convolution and matrix product of a step, which method is the fastest on this adapter, and keeps the
 * times: the engine's next steps use them, and those of later runs unless their option `tune` is `off`. The model stays as
 * it is, but for the gradients of its parameters, which are dropped.
 *
 * @throws ShapeError where the model does not take such an input
 */
export async function tuneStep(
  model: Module,
  { inputShape, mode, ...options }: TuneStepOptions,
): Promise<TuningReport> {
  const { engine } = model
  const problems = [
    ...(mode === 'training' ? problemsOfTraining(model, inputShape) : []),
    ...problemsOf(model, () => {
      model.eval()
      engine.noGrad(() => model.call(engine.empty(inputShape)))
    }),
  ]
  engine.device.trim() // the activations that were never computed
  return measureProblems(engine.tuner, problems, options)
}

function problemsOfTraining(model: Module, inputShape: Shape): readonly TuningProblem[] {
  const { engine } = model
  return problemsOf(model, () => {
    model.train()
    const logits = model.call(engine.empty(inputShape))
    crossEntropy(logits, engine.empty([inputShape[0] ?? 0], 'i32')).backward()
  })
}

/** Measures first what a run will ask for, where the engine was opened with `tune: 'full'`. */
export async function tuneIfAsked(
  { engine }: Module,
  problems: () => readonly TuningProblem[],
  options: MeasureProblemsOptions = {},
): Promise<void> {
  if (engine.tuner.mode === 'full') await measureProblems(engine.tuner, problems(), options)
}

/**
 * The problems of what `record` does with a model. Nothing runs, and everything is put back: counters, random numbers and
 * training modes; only the gradients of parameters are dropped.
 */
export function problemsOf(model: Module, record: () => void): readonly TuningProblem[] {
  const { engine } = model
  const { state: random } = engine.random
  const modes = new Map([...model.namedModules().values()].map((module) => [module, module.training]))
  const counters = [...model.namedState().values()].flatMap((entry) => (entry.kind === 'counter' ? entry.counter : []))
  const counts = counters.map(({ value }) => value)
  const dropGradients = () => {
    for (const parameter of model.parameters()) parameter.grad = undefined
  }
  dropGradients()
  try {
    return engine.tuner.problemsOf(() => {
      engine.device.withoutRunning(() => engine.scope(record))
    })
  } finally {
    dropGradients() // they were not computed
    for (const [i, counter] of counters.entries()) counter.value = counts[i]!
    for (const [module, training] of modes) module.training = training
    engine.random.state = random
  }
}
