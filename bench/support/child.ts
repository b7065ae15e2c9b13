/** A program that measures something in a process of its own: caches are cold there, and peak memory is its own. */
import { spawn } from 'node:child_process'

export interface ChildOptions {
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** It is killed after so many milliseconds. */
  readonly timeout: number
}

export interface ChildEnd {
  readonly stdout: string
  /** Why it did not end as it should: killed, crashed, failed with what it printed last. */
  readonly failure?: string
}

/** The last characters that are kept of what a program prints as errors. */
const keptOutput = 20_000

/** Runs a program until it ends. Throws where it cannot be started. */
export function runChild(
  program: string,
  parameters: readonly string[],
  { environment = {}, timeout }: ChildOptions,
): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] = (output[stream] + text).slice(-keptOutput)
      })
    }
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeout)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ stdout: output.stdout, failure: failureOf({ late, timeout, status, signal, stderr: output.stderr }) })
    })
  })
}

interface End {
  readonly late: boolean
  readonly timeout: number
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

function failureOf({ late, timeout, status, signal, stderr }: End): string | undefined {
  if (late) return `no result within ${timeout / 1000} s`
  if (status === 0) return undefined
  const lines = stderr.trim().split('\n')
  const last = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)!
  const end = signal ? `killed by ${signal}` : `ended with status ${status}`
  return last === '' ? end : `${end}: ${last.slice(0, 300)}`
}
