/** Data of ONNX tensors in files beside the model (https://onnx.ai/onnx/repo-docs/ExternalData.html). */
import { WeightsError } from '../../device/errors.js'
import { type ByteSource, describeFailure, fileSource } from '../byte-source.js'
import type { Range } from './wire.js'

/** Where data lies. */
export interface DataRange extends Range {
  readonly source: ByteSource
}

/** More than any exporter writes for one model: each of them stays open. */
const mostFiles = 64

/** The data files of a model. They may lie in its folder and nowhere else: the model may come from anywhere. */
export class ExternalData {
  readonly #opened = new Map<string, ByteSource>()

  /** @param model its file */
  constructor(readonly model: string) {}

  /**
   * Opens the file with a tensor's data, or finds it opened.
   *
   * @param entries `location`, `offset` and `length`, as the model says
   * @param bytes how many the tensor needs
   * @throws WeightsError where they lead out of the folder, or the file is missing or too short
   */
  async find(tensor: string, entries: ReadonlyMap<string, string>, bytes: number): Promise<DataRange> {
    const fail = (expected: string, found: string): never => {
      throw new WeightsError(this.model, { tensor, expected, found })
    }
    const number = (key: string, otherwise: number): number => {
      const text = entries.get(key)
      const value = Number(text ?? otherwise)
      if ((text === undefined || /^\d+$/.test(text)) && Number.isSafeInteger(value)) return value
      return fail(`the ${key} of external data in bytes`, JSON.stringify(text?.slice(0, 40)))
    }
    const location = entries.get('location') ?? ''
    const isPlainName = /^[^/\\:\0]+$/.test(location) && location !== '.' && location !== '..'
    if (!isPlainName) {
      fail('external data in a file in the same folder', JSON.stringify(location.slice(0, 100)))
    }
    const length = number('length', bytes)
    if (length !== bytes) fail(`${bytes} bytes of external data`, `${length} bytes`)
    const begin = number('offset', 0)
    const source = this.#opened.get(location) ?? (await this.#open(tensor, location))
    if (begin + bytes > source.size) {
      fail(`bytes ${begin} to ${begin + bytes} of "${location}"`, `a file of ${source.size} bytes; it is truncated`)
    }
    return { source, begin, end: begin + bytes }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((source) => source.close()))
  }

  async #open(tensor: string, location: string): Promise<ByteSource> {
    const fail = (expected: string, found: string): never => {
      throw new WeightsError(this.model, { tensor, expected, found })
    }
    if (this.#opened.size === mostFiles) fail(`external data in at most ${mostFiles} files`, 'more')
    const path = await import('node:path')
    const { realpath } = await import('node:fs/promises')
    const file = path.join(path.dirname(this.model), location)
    // A cache may hold both as symbolic links into one other folder; a link to anywhere else is a trap.
    const [model, data] = await Promise.all([realpath(this.model), realpath(file)]).catch((error: unknown) =>
      fail(`external data in "${location}"`, describeFailure(error)),
    )
    if (path.dirname(model) !== path.dirname(data)) {
      fail('external data in a file in the same folder', `a symbolic link "${location}" out of it`)
    }
    const source = await fileSource(file)
    this.#opened.set(location, source)
    return source
  }
}
