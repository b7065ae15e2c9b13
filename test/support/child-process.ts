/**
 * Tests that need a process of their own (crashes, exit codes, environments): a module of src/ is bundled into
 * build/, and a short script that imports it runs in a new Node process.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'tsdown'
import { afterAll } from 'vitest'
import { wgslPlugin } from '../../tools/wgsl-plugin.js'

const repository = fileURLToPath(new URL('../../', import.meta.url))
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

export interface NodeOptions {
  /** Added to this process's environment; `undefined` removes a variable. */
  environment?: Record<string, string | undefined>
  /** Options of Node itself, such as "--expose-gc". */
  nodeArguments?: string[]
  /** The process is killed after so many milliseconds, 60,000 by default; `signal` is then SIGKILL. */
  timeout?: number
}

export interface NodeResult {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a script (JavaScript, an ES module) in a Node process and waits for its end. */
export function runNode(script: string, options: NodeOptions = {}): Promise<NodeResult> {
  const env = { ...process.env, ...options.environment }
  const parameters = [...(options.nodeArguments ?? []), '--input-type=module', '--eval', script]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, parameters, { cwd: repository, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      clearTimeout(timer)
      resolve({ status, signal, ...output })
    })
  })
}
