/** What is shown while weights are downloaded: a bar on a terminal, else a line every now and then. */
import { type Options, Presets, SingleBar } from 'cli-progress'
import { formatBytes } from '../device/errors.js'
import type { DownloadProgress } from '../weights/download.js'

const millisecondsBetweenLines = 5_000

export class DownloadDisplay {
  readonly #bar: SingleBar | undefined
  #started = false
  #lastLine = performance.now()

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {
    if (!stream.isTTY) return
    const options: Options = { format: '{bar} {amount}  {eta_formatted} left', barsize: 24, hideCursor: true, stream }
    this.#bar = new SingleBar(options, Presets.shades_classic)
  }

  /** The callback for `onDownload`. */
  readonly update = ({ url, received, total, sha256Prefix }: DownloadProgress): void => {
    const amount = formatBytes(received) + (total === undefined ? '' : ` of ${formatBytes(total)}`)
    if (!this.#started) {
      const remark = sha256Prefix === undefined ? ' (nothing is known to verify it with)' : ''
      this.stream.write(`downloading ${url}${remark}\n`)
      this.#bar?.start(total ?? received, received, { amount })
      this.#started = true
    }
    if (this.#bar) {
      this.#bar.setTotal(total ?? received)
      this.#bar.update(received, { amount })
    } else if (received === total || performance.now() - this.#lastLine >= millisecondsBetweenLines) {
      this.#lastLine = performance.now()
      this.stream.write(`${amount}\n`)
    }
  }

  /** Ends the bar, so that other lines can be printed. */
  stop(): void {
    if (this.#started) this.#bar?.stop()
    this.#started = false
  }
}
