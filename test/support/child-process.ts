/**
 * Tests that need a process of their own (crashes, exit codes, environments): a module of src/ is bundled into
 * build/, and a short script that imports it runs in a new Node process.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'tsdown'
import { afterAll } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { wgslPlugin } from '../../tools/wgsl-plugin.js'

/** The root of the project. */
export const repository = fileURLToPath(new URL('../../', import.meta.url))
const bundles = new Map<string, Promise<string>>()
const folders: string[] = []

// Runs at the end of the test file that imports this one.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/**
 * Bundles a module (a path such as "src/device/node.ts") with everything it imports except npm packages. Gives its
 * path; scripts import it as `import { x } from ${importable(path)}`. The bundle is removed after the test file.
 */
export function bundle(entry: string): Promise<string> {
  const known = bundles.get(entry)
  if (known) return known
  const made = makeBundle(entry)
  bundles.set(entry, made)
  return made
}

async function makeBundle(entry: string): Promise<string> {
  // inside of the repository, so that npm packages are found
  const folder = path.join(repository, 'build')
  mkdirSync(folder, { recursive: true })
  const outDir = mkdtempSync(path.join(folder, 'test-'))
  folders.push(outDir)
  await build({
    config: false,
    cwd: repository,
    entry: { module: path.join(repository, entry) },
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: Object.keys(packageJson.optionalDependencies), // dependencies are external anyway
    dts: false,
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [wgslPlugin()],
    outExtensions: () => ({ js: '.mjs' }),
  })
  return path.join(outDir, 'module.mjs')
}

/** A file as the quoted string that follows `from` in an import. */
export function importable(file: string): string {
  return JSON.stringify(pathToFileURL(file).href)
}

export interface ProcessOptions {
  /** Added to this process's environment; `undefined` removes a variable. */
  environment?: Record<string, string | undefined>
  /** The process is killed after so many milliseconds, 60,000 by default; `signal` is then SIGKILL. */
  timeout?: number
  /** Where it runs; the repository by default. */
  folder?: string
  /** Called with what the process has printed so far, each time it prints; may send it signals. */
  onOutput?: (output: { stdout: string; stderr: string }, child: ChildProcess) => void
}

export interface NodeOptions extends ProcessOptions {
  /** Options of Node itself, such as "--expose-gc". */
  nodeArguments?: string[]
}

export interface NodeResult {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script (JavaScript, an ES module) in a Node process and waits for its end. */
export function runNode(script: string, options: NodeOptions = {}): Promise<NodeResult> {
  const parameters = [...(options.nodeArguments ?? []), '--input-type=module', '--eval', script]
  return runProgram(process.execPath, parameters, options)
}

/** Runs a program and waits for its end. */
export function runProgram(file: string, parameters: string[], options: ProcessOptions = {}): Promise<NodeResult> {
  const { folder = repository, timeout = 60_000, onOutput } = options
  const env = { ...process.env, ...options.environment }
  return new Promise((resolve, reject) => {
    const child = spawn(file, parameters, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] += text
        onOutput?.(output, child)
      })
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ status, signal, ...output })
    })
  })
}
