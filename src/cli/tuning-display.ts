/** Progress of measuring kernels. Without a terminal a line is printed every now and then instead. */
import { Presets, SingleBar } from 'cli-progress'
import type { MeasuringProgress } from '../training/index.js'
import { problemName } from '../tuning/tunable.js'

const millisecondsBetweenLines = 15_000

export class TuningDisplay {
  readonly #bar: SingleBar | undefined
  #started = false
  #lastLine = performance.now()

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {
    if (!stream.isTTY) return
    const format = 'tuning {bar} {value}/{total}  {problem}'
    this.#bar = new SingleBar(
      { format, barsize: 24, hideCursor: true, clearOnComplete: true, stream },
      Presets.shades_classic,
    )
  }

  readonly update = ({ done, total, problem }: MeasuringProgress): void => {
    if (!problem) {
      this.stop()
      return
    }
    const payload = { problem: problemName(problem) }
    if (this.#bar) {
      if (this.#started) this.#bar.update(done, payload)
      else this.#bar.start(total, done, payload)
      this.#started = true
    } else if (performance.now() - this.#lastLine >= millisecondsBetweenLines) {
      this.#lastLine = performance.now()
      this.stream.write(`tuning ${done}/${total}  ${payload.problem}\n`)
    }
  }

  /** Ends the bar, so that other lines can be printed. */
  stop(): void {
    if (this.#started) this.#bar?.stop()
    this.#started = false
  }
}
