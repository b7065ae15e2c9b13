/** The measured times of one adapter in a store. */
import type { Device } from '../device/device.js'
import type { TuningStore } from './store.js'
import { type MeasuredProblem, mergeMeasured } from './table.js'
import { fileNameFor, formatTable, ownerFor, type ParsedTable, parseTable, type TableOwner } from './table-file.js'

/** Told what went wrong with a store; it never ends a run. */
export type Warn = (message: string) => void

export class KeptTimes {
  /** Writes one after the other: each reads what the one before it has written. */
  #written: Promise<void> = Promise.resolve()
  readonly #told = new Set<string>()

  private constructor(
    private readonly store: TuningStore,
    private readonly owner: TableOwner,
    private readonly name: string,
    private readonly onWarning: Warn,
  ) {}

  static async open(device: Device, store: TuningStore, warn: Warn): Promise<KeptTimes> {
    const owner = await ownerFor(device)
    return new KeptTimes(store, owner, await fileNameFor(owner), warn)
  }

  /** Where they are, for people. */
  get place(): string {
    return this.store.place(this.name)
  }

  /** What is kept. What is damaged, another adapter's, or of other kernels is left out, with a warning. */
  async read(): Promise<readonly MeasuredProblem[]> {
    const { problems, outdated } = await this.#parse()
    if (outdated > 0) {
      this.#warn(
        `${this.place}: ${outdated} problems were measured with other versions of their kernels, and do not count any ` +
          'more; "daybreak tune" measures them again',
      )
    }
    return problems
  }

  /** Adds to what is kept, and to what another process has written meanwhile; what was measured last counts. */
  add(entries: readonly MeasuredProblem[]): Promise<void> {
    const write = async () => {
      const { problems } = await this.#parse()
      await this.store.write(this.name, formatTable(this.owner, mergeMeasured(problems, entries)))
    }
    this.#written = this.#written.then(write).catch((error: unknown) => {
      this.#warn(`measured times are not kept: ${messageOf(error)}`)
    })
    return this.#written
  }

  async #parse(): Promise<ParsedTable> {
    try {
      const text = await this.store.read(this.name)
      return text === undefined ? { problems: [], outdated: 0 } : parseTable(text, this.owner, this.place)
    } catch (error) {
      this.#warn(`measured times are ignored, and written anew by "daybreak tune": ${messageOf(error)}`)
      return { problems: [], outdated: 0 }
    }
  }

  /** Once is enough. */
  #warn(message: string): void {
    if (this.#told.has(message)) return
    this.#told.add(message)
    this.onWarning(message)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
