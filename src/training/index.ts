/**
 * Training: the loop over epochs, evaluation, prediction, metrics, checkpoints, history and profiles.
 * Nothing here prints: callers get progress through callbacks (src/cli turns it into bars and tables).
 */
export {
  checkpointFiles,
  type CheckpointDescription,
  type CheckpointDetails,
  readCheckpointDescription,
} from './checkpoint.js'
export { type ChromeTrace, chromeTrace, type TraceEvent, writeChromeTrace } from './chrome-trace.js'
export { evaluate, type EvaluateOptions, type Evaluation } from './evaluate.js'
export { type EpochResult, History, type Progress } from './history.js'
export type { Metrics, MetricsReading } from './metrics.js'
export { type ClassProbability, predict, type Prediction, type PredictOptions } from './predict.js'
export { type Phase, profileStep, type ProfileStepOptions, type StepMode, type StepProfile } from './profile.js'
export type { PlanReport } from '../device/plan/plan.js'
export { PlannedStep, type PlannedStepOptions, type StepInput } from './planned-step.js'
export { type ProfileGrouping, type ProfileRow, profileRows } from './profile-rows.js'
export { type Precision, precisions } from './precision.js'
export { recalibrateBatchNorm, type RecalibrationOptions } from './recalibrate.js'
export { epochPlan, Trainer } from './trainer.js'
export type { FirstStep, FitOptions, LossFunction, TrainerOptions } from './trainer-options.js'
export { type MeasuringProgress, type TunedProblem, tuneStep, type TuneStepOptions, type TuningReport } from './tune.js'
