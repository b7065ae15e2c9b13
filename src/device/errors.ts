/**
 * Every error that Daybreak throws on purpose. Each names the thing that is wrong, what was expected and what came,
 * and carries the same facts as fields, so that a program can act on them.
 */
export class DaybreakError extends Error {
  constructor(message: string) {
    super(message)
    this.name = new.target.name
  }
}

/** No adapter that can compute was found; `tried` lists where the search looked, and the message says what to install. */
export class AdapterNotFoundError extends DaybreakError {
  constructor(
    message: string,
    readonly tried: readonly string[] = [],
  ) {
    super(message)
  }
}

/** An allocation does not fit. All sizes are in bytes. */
export class OutOfMemoryError extends DaybreakError {
  constructor(
    readonly asked: number,
    readonly inUse: number,
    readonly limit: number,
    what = 'a buffer',
  ) {
    super(
      `out of GPU memory: ${what} needs ${formatBytes(asked)}, ${formatBytes(inUse)} are in use, ` +
        `the limit is ${formatBytes(limit)}; a smaller batch or a smaller image needs less`,
    )
  }
}

/** The GPU device is gone: the driver reset it, the machine slept, or it was destroyed. */
export class DeviceLostError extends DaybreakError {
  constructor(readonly reason: string) {
    super(`the GPU device was lost (${reason}); create a new engine and continue from the last checkpoint`)
  }
}

/** A kernel's WGSL does not compile. `source` is the expanded text with line numbers. */
export class ShaderError extends DaybreakError {
  constructor(
    readonly kernel: string,
    detail: string,
    readonly source: string,
    readonly line?: number,
  ) {
    super(`kernel ${kernel} does not compile${line === undefined ? '' : ` (line ${line})`}: ${detail}\n${source}`)
  }
}

/** A kernel was used wrongly, or the GPU refused its commands. */
export class KernelError extends DaybreakError {
  constructor(
    readonly kernel: string,
    detail: string,
  ) {
    super(`kernel ${kernel}: ${detail}`)
  }
}

/** Shapes, dtypes or options of an operation do not go together. */
export class ShapeError extends DaybreakError {
  constructor(
    readonly operation: string,
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${operation}: expected ${expected}, got ${got}`)
  }
}

/** The tape was used in a way that would give wrong gradients, or a tensor was read after its memory was returned. */
export class AutogradError extends DaybreakError {}

/** Values on the GPU broke an operation's contract, such as a label outside of the classes. */
export class DataError extends DaybreakError {
  constructor(
    readonly source: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(`${source}: expected ${expected}, found ${found}`)
  }
}

/** A weights file, or a tensor in it, is not what it should be. */
export class WeightsError extends DaybreakError {
  constructor(
    readonly file: string,
    readonly detail: { tensor?: string; expected: string; found: string },
  ) {
    super(
      `${file}: ${detail.tensor === undefined ? '' : `tensor "${detail.tensor}": `}` +
        `expected ${detail.expected}, found ${detail.found}`,
    )
  }
}

/** An option, a model name or a data set name is not one that Daybreak knows. */
export class OptionError extends DaybreakError {
  constructor(
    readonly option: string,
    readonly expected: string,
    readonly got: unknown,
  ) {
    super(`${option}: expected ${expected}, got ${typeof got === 'string' ? `"${got}"` : String(got)}`)
  }
}

/** The loss became NaN or infinite; `step` is the first such step, counted from 1. */
export class NonFiniteLossError extends DaybreakError {
  constructor(
    readonly step: number,
    readonly epoch: number,
    readonly checkpoint?: string,
  ) {
    super(
      `the loss is not finite since step ${step} (epoch ${epoch}); training stopped, ` +
        (checkpoint === undefined ? 'no checkpoint was written' : `the last good checkpoint is ${checkpoint}`) +
        '; a lower learning rate often helps',
    )
  }
}

/** 1536 -> "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[power]}`
}
