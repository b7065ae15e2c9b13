import { formatBytes, WeightsError } from '../../device/errors.js'
import { type ByteSource, bytesSource, describeFailure } from '../byte-source.js'
import { type Hdf5Library, loadHdf5Library, mountFile } from './hdf5-library.js'
import { type Runner, timeLimit } from './time-limit.js'

/** In seconds: far more than a task takes with a valid file on a slow disk. */
const defaultLimit = 30

/** In bytes. It needs some 20 MB, and room for a few chunks of a dataset; a damaged file makes it ask for any size. */
const largestMemory = 512 * 1024 * 1024

/** Where the library finds the file. */
export const mountPoint = '/weights.h5'

/**
 * The HDF5 library and one file, apart from everything else: whatever a hostile file makes of the library (it may
 * refuse, run wild, or never end), what comes out is a `WeightsError`.
 */
export class Hdf5Sandbox {
  #failure: WeightsError | undefined
  #reason: string | undefined
  #isOutOfMemory = false
  readonly #name: string
  readonly #limit: number
  readonly #withinTime: Runner
  #library: Hdf5Library | undefined

  private constructor(name: string, limit: number, withinTime: Runner) {
    this.#name = name
    this.#limit = limit
    this.#withinTime = withinTime
  }

  /**
   * @param limit how many seconds a task may take before the file is given up
   * @param load makes the library
   * @throws WeightsError where h5wasm is not installed
   */
  static async create(source: ByteSource, limit = defaultLimit, load = loadHdf5Library): Promise<Hdf5Sandbox> {
    const sandbox = new Hdf5Sandbox(source.name, limit, await timeLimit(limit))
    const library = await load(source.name, {
      log: (line) => sandbox.#note(line),
      refuseMemory: (bytes) => (sandbox.#isOutOfMemory ||= bytes > largestMemory),
    })
    const ready = source.readSync ? source : bytesSource(await source.read(0, source.size), source.name)
    mountFile(library, mountPoint, source.size, (target, begin) => ready.readSync!(target, begin))
    sandbox.#library = library
    return sandbox
  }

  /**
   * Runs a task with the library. One that throws leaves it in an unknown state: nothing runs in this sandbox any more.
   *
   * @throws WeightsError the one of the task, or one that says what went wrong
   */
  run<T>(task: (library: Hdf5Library) => T): T {
    const library = this.#library
    if (this.#failure || !library) throw this.#failure ?? this.error('an open file', 'one that was closed')
    this.#reason = undefined
    try {
      const result = this.#withinTime(() => task(library))
      if (this.#isOutOfMemory) throw new Error('out of memory')
      return result
    } catch (error) {
      this.#failure = error instanceof WeightsError ? error : this.error('a valid HDF5 file', this.#describe(error))
      this.#library = undefined
      throw this.#failure
    }
  }

  /** Drops the library, and with it all of its memory. */
  close(): void {
    this.#library = undefined
  }

  /** What the library said last of a failure, where it said anything. */
  get reason(): string {
    return this.#reason ?? 'no reason given'
  }

  error(expected: string, found: string, tensor?: string): WeightsError {
    return new WeightsError(this.#name, { tensor, expected, found })
  }

  #describe(error: unknown): string {
    if (this.#isOutOfMemory) return `one that takes the library more than ${formatBytes(largestMemory)}`
    // not an Error of this realm
    const code = (error as { code?: unknown } | null)?.code
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return `one that takes the library more than ${this.#limit} seconds`
    return `one that the library cannot read: ${this.#reason ?? describeFailure(error)}`
  }

  /** Failures come as a stack, a function a line, `#000: <file> line <n> in <function>(): <reason>`; the last is the cause. */
  #note(line: string): void {
    const reason = /^\s*#\d+: .* in \w+\(\): (.*)$/.exec(line)?.[1]
    if (reason !== undefined) this.#reason = reason.slice(0, 200)
  }
}
