/** What is measured to see how time and memory grow: batch, image side and depth of ResNets, one at a time. */

export type Axis = 'batch' | 'side' | 'depth'
export type Mode = 'forward' | 'training'

export interface ScalingPoint {
  readonly axis: Axis
  readonly architecture: string
  readonly batch: number
  readonly side: number
  readonly mode: Mode
}

export const classes = 10
const modes: readonly Mode[] = ['forward', 'training']

const batches = [1, 2, 4, 8, 16, 32, 64]
const sides = [32, 64, 96, 128, 160, 192, 224]
const depths = [18, 50, 101]

/** All points, or every third of an axis for a quick look. */
export function scalingPoints(quick: boolean): ScalingPoint[] {
  const some = <T>(values: readonly T[]) => (quick ? values.filter((_, i) => i % 3 === 0) : values)
  return modes.flatMap((mode) => [
    // of 32x32 a single image leaves one value per channel, which batch norms refuse to train with
    ...some(batches).map((batch): ScalingPoint => ({ axis: 'batch', architecture: 'resnet50', batch, side: 64, mode })),
    ...some(sides).map((side): ScalingPoint => ({ axis: 'side', architecture: 'resnet50', batch: 2, side, mode })),
    ...depths.map((depth): ScalingPoint => ({
      axis: 'depth',
      architecture: `resnet${depth}`,
      batch: 4,
      side: 64,
      mode,
    })),
  ])
}

/** Where a point lies on its axis; for depth the layers of the network's name. */
export function positionOf({ axis, architecture, batch, side }: ScalingPoint): number {
  return { batch, side, depth: Number(/\d+$/.exec(architecture)?.[0]) }[axis]
}

/** MiniVGG trained for many steps: does it become slower? */
export interface LongRun {
  readonly steps: number
  /** Steps between two looks at the clock. */
  readonly window: number
  readonly batch: number
}

export function longRun(quick: boolean): LongRun {
  return quick ? { steps: 200, window: 20, batch: 32 } : { steps: 2000, window: 100, batch: 32 }
}
