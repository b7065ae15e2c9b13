/** Progress of training, evaluation and prediction. Without a terminal a line is printed every now and then instead. */
import { type Options, Presets, SingleBar } from 'cli-progress'
import type { Progress } from '../training/index.js'

const millisecondsBetweenLines = 15_000
const eraseLine = '\r\x1b[K'

export class ProgressDisplay {
  readonly #bar: SingleBar | undefined
  #phase = ''
  #lastLine = performance.now()

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    if (!stream.isTTY) return
    const options: Options = {
      format: '{label} {bar} {value}/{total}  {metrics}',
      barsize: 24,
      hideCursor: true,
      stream,
    }
    this.#bar = new SingleBar(options, Presets.shades_classic)
  }

  update(progress: Progress): void {
    const { phase, epoch, epochs, step, steps } = progress
    const label =
      phase === 'train' ? `epoch ${epoch}/${epochs}` : 'validation'.padEnd(`epoch ${epoch}/${epochs}`.length)
    if (!this.#bar) {
      this.#printLine(label, progress)
      return
    }
    const key = `${phase} ${epoch}`
    if (key !== this.#phase) {
      this.stop()
      this.#bar.start(steps, step, { label, metrics: '' })
      this.#phase = key
    }
    this.#bar.update(step, { label, metrics: metricsText(progress) })
  }

  /** Ends the bar, so that other lines can be printed. */
  stop(): void {
    if (this.#phase !== '') this.#bar?.stop()
    this.#phase = ''
  }

  #printLine(label: string, progress: Progress): void {
    if (performance.now() - this.#lastLine < millisecondsBetweenLines) return
    this.#lastLine = performance.now()
    process.stderr.write(`${label.trim()} step ${progress.step}/${progress.steps}  ${metricsText(progress)}\n`)
  }
}

/** How many of some things are done, in one line; a terminal's line is written over. */
export class CountDisplay {
  #lastLine = performance.now()
  #shown = false

  constructor(
    private readonly total: number,
    private readonly things: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  update(done: number): void {
    const text = `${done}/${this.total} ${this.things}`
    if (this.stream.isTTY) {
      this.stream.write(`${eraseLine}${text}`)
      this.#shown = true
    } else if (performance.now() - this.#lastLine >= millisecondsBetweenLines) {
      this.#lastLine = performance.now()
      this.stream.write(`${text}\n`)
    }
  }

  /** Takes the line away, so that other lines can be printed. */
  clear(): void {
    if (this.#shown) this.stream.write(eraseLine)
    this.#shown = false
  }
}

function metricsText({ loss, accuracy, imagesPerSecond, secondsLeft }: Progress): string {
  return (
    `loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}  ${imagesPerSecond.toFixed(1)} images/s  ` +
    `${duration(secondsLeft)} left`
  )
}

/** 0.9933 -> "99.33 %". */
export function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)} %`
}

/** Seconds as "1:02:03" or "2:03". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}
