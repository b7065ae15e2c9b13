/**
 * Runs Python scripts of this folder, where there is a Python that has PyTorch: Debian's in /usr/bin, another on the PATH, or
 * the one that DAYBREAK_PYTHON names. Tests that need one skip elsewhere and say so in their titles.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What each test needs; formats may need others besides. */
const always = ['torch', 'torchvision']
const probe = `
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
        print(name)
    except Exception:
        pass
`

interface Python {
  readonly command: string
  /** Names of those of the wanted packages that it can import. */
  readonly packages: readonly string[]
}

async function findPython(): Promise<Python | undefined> {
  const named = process.env.DAYBREAK_PYTHON
  for (const command of named === undefined ? ['/usr/bin/python3', 'python3'] : [named]) {
    const found = await execute(command, ['-c', probe, ...always, 'h5py']).catch(() => undefined)
    const packages = found?.stdout.split('\n') ?? []
    if (always.every((name) => packages.includes(name))) return { command, packages }
  }
  return undefined
}

const python = await findPython()

/** What keeps tests from running that need these packages besides PyTorch: the end of their titles, if anything does. */
export function whySkipped(packages: readonly string[] = []): string | undefined {
  const needed = [...always, ...packages]
  if (python && needed.every((name) => python.packages.includes(name))) return undefined
  return `(skipped: found no Python with ${needed.join(', ')}; see test/interop/README.md)`
}

/** Runs a script of this folder and waits for its end. Gives the lines that it printed; throws what it complained of. */
export async function runPython(script: string, words: readonly string[]): Promise<string[]> {
  if (!python) throw new Error('there is no Python with PyTorch')
  const file = fileURLToPath(new URL(script, import.meta.url))
  // as many threads as CI has processors
  const env = { ...process.env, OMP_NUM_THREADS: '2' }
  const { stdout } = await execute(python.command, [file, ...words], { env })
  return stdout.split('\n').filter((line) => line !== '')
}
