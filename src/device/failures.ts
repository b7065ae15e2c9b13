/**
 * Errors that arrive later than the call that caused them: the GPU checks commands and memory on its own time. The first
 * one is kept and thrown, once, by the next call that waits. Losing the device is for good, and thrown by every call.
 */
import { DeviceLostError } from './errors.js'
import type { DeviceHost } from './host.js'

export class FailureLog {
  readonly #answers = new Set<Promise<void>>()
  #failure: Error | undefined
  #lost: string | undefined

  constructor({ device }: DeviceHost) {
    void device.lost.then(({ reason, message }) => {
      this.lose(message || reason)
    })
  }

  /** Keeps an error for the next call that waits; the errors that follow from it are not worth a report of their own. */
  add(error: Error): void {
    this.#failure ??= error
  }

  lose(reason: string): void {
    this.#lost ??= reason
  }

  /** Keeps `describe`'s error if the answer of an error scope turns out to be one. */
  expectNoError(answer: Promise<GPUError | null>, describe: (error: GPUError) => Error | Promise<Error>): void {
    const settled = answer
      .then(async (error) => {
        if (error) this.add(await describe(error))
      })
      .catch(() => undefined) // the device was lost, which is reported by itself
      .finally(() => this.#answers.delete(settled))
    this.#answers.add(settled)
  }

  /** Waits for the answers to everything submitted so far: values of commands that failed must not get out. */
  async settled(): Promise<void> {
    await Promise.all(this.#answers)
  }

  /** Throws the error that is kept, if any, and forgets it. */
  throwIfAny(): void {
    this.throwIfLost()
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure
  }

  throwIfLost(): void {
    if (this.#lost !== undefined) throw new DeviceLostError(this.#lost)
  }
}
