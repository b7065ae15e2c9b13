/** What a dispatch was recorded for. Profiles tell it; nothing else depends on it. */
export interface DispatchLabel {
  /** The part of a step, such as `forward` or `backward`. */
  readonly phase: string
  /** The path of a module, such as `layer4.0.conv2`, or what else the work was done for. */
  readonly module: string
}

/** The label of everything that is recorded while nobody takes a profile. */
export const noLabel: DispatchLabel = { phase: '', module: '' }
