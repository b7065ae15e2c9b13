/** Optimizers, learning-rate schedulers and gradient clipping; see optimizer.ts for what else does not live here. */
export { Adam, adam, type AdamOptions, AdamW, adamW } from './adam.js'
export { clipGradNorm, clipGradValue } from './clip.js'
export { GradScaler, type GradScalerOptions, type GradScalerState } from './grad-scaler.js'
export { Optimizer, type ParameterUpdate, type StepValues } from './optimizer.js'
export type { CommonOptions } from './options.js'
export type { NamedParameter, OptimizerGroup, ParameterGroup, Parameters } from './parameters.js'
export { type PlateauOptions, type PlateauState, ReduceLROnPlateau } from './plateau.js'
export { type Scheduled, type ScheduledGroup, Scheduler, type SchedulerState } from './scheduler.js'
export {
  CosineAnnealingLR,
  ExponentialLR,
  LambdaLR,
  type LinearOptions,
  LinearLR,
  MultiStepLR,
  StepLR,
} from './schedulers.js'
export { SGD, sgd, type SGDArguments, type SGDOptions } from './sgd.js'
