/**
 * The rules of the house that a compiler does not check: one name everywhere, and nothing without its tests and its
 * benchmark. CONTRIBUTING.md explains them; a failure here says which file is missing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const text = (file: string) => readFileSync(path.join(root, file), 'utf8')
const exists = (file: string) => existsSync(path.join(root, file))

/** The files below a folder, with paths from the root of the project; installed packages are not the project's. */
function filesIn(folder: string, ...extensions: string[]): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extensions.includes(path.extname(entry.name)))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .filter((file) => !file.includes('node_modules/'))
}

const shaders = filesIn('shaders', '.wgsl')
const descriptions = filesIn('src/kernels', '.ts')
const sources = ['src', 'shaders', 'test', 'bench', 'tools', 'scripts', 'examples', '.ci']
  .filter(exists)
  .flatMap((folder) => filesIn(folder, '.ts', '.js', '.mjs', '.wgsl', '.py', '.sh'))
const families = [...new Set(shaders.map((file) => file.split('/')[1]!))].filter((family) => family !== 'common')

/** Families whose operations are tested under the operation's name, where it differs. */
const testNames: Readonly<Record<string, string>> = { image: 'normalize-images' }

/** Families without a gradient check, and why. */
const withoutGradient: Readonly<Record<string, string>> = {
  accumulate: 'is a part of the backward pass',
  clip: 'works on gradients',
  fill: 'has no input',
  image: 'takes bytes',
  metrics: 'counts',
  'non-finite': 'counts',
  optimizer: 'works on gradients',
  peaks: 'measures the adapter',
  random: 'has no input',
}

/** Families whose golden values are checked in other tests than their own. */
const goldenElsewhere: Readonly<Record<string, readonly string[]>> = {
  clip: ['test/optim/clip.test.ts'],
  optimizer: ['test/optim/adam.test.ts', 'test/optim/sgd.test.ts'],
  permute: ['test/kernels/transpose.test.ts', 'test/kernels/flatten.test.ts'],
}

/** Families without golden values, and why. */
const withoutGolden: Readonly<Record<string, string>> = {
  accumulate: 'is one addition',
  cast: 'is what the types define',
  dropout: "draws Daybreak's own random numbers",
  fill: 'copies one number',
  image: 'is one formula, which its test repeats',
  metrics: 'counts',
  'non-finite': 'counts',
  peaks: 'is a copy, and multiply-adds of small integers',
  random: "draws Daybreak's own random numbers",
}

const testOf = (family: string) => `test/kernels/${testNames[family] ?? family}.test.ts`

describe.each(families)('the kernel family %s', (family) => {
  test('has a description for each WGSL file, or the file is included by another', () => {
    const included = new Set(shaders.flatMap((file) => [...text(file).matchAll(/#include "(.+)"/g)].map((m) => m[1]!)))
    for (const file of shaders.filter((shader) => shader.startsWith(`shaders/${family}/`))) {
      const name = file.slice('shaders/'.length, -'.wgsl'.length)
      if (included.has(`${name}.wgsl`)) continue
      const description = `src/kernels/${name}.ts`
      expect(exists(description), `${description} is missing for ${file}`).toBe(true)
      expect(text(description), `${description} imports ${file} and calls it ${name}`).toMatch(`shaders/${name}.wgsl`)
      expect(text(description), `${description} gives its kernel the name ${name}`).toMatch(`'${name}'`)
    }
  })

  test('has a test', () => {
    expect(exists(testOf(family)), `${testOf(family)} is missing`).toBe(true)
  })

  if (!(family in withoutGradient)) {
    test('has a gradient check', () => {
      expect(text(testOf(family)), `checkGradients in ${testOf(family)}`).toMatch('checkGradients(')
    })
  }

  if (!(family in withoutGolden)) {
    test('is compared with golden values', () => {
      for (const file of goldenElsewhere[family] ?? [testOf(family)]) {
        expect(text(file), `goldenSuite or loadGolden in ${file}`).toMatch(/goldenSuite\(|loadGolden\(|goldenSteps\(/)
      }
    })
  }

  test('has a benchmark', () => {
    expect(exists(`bench/${family}.ts`), `bench/${family}.ts is missing`).toBe(true)
  })
})

describe('every file', () => {
  test('the exceptions above are about families that exist', () => {
    const named = [testNames, withoutGradient, goldenElsewhere, withoutGolden].flatMap((table) => Object.keys(table))
    expect(named.filter((family) => !families.includes(family))).toEqual([])
  })

  test.each(shaders)('%s opens with a comment and declares no bindings of its own', (file) => {
    expect(text(file)).toMatch(/^\/\/ /)
    expect(text(file)).not.toMatch('@binding')
  })

  test('a kernel has at most 8 storage buffers', () => {
    for (const file of descriptions) {
      for (const [, bindings] of text(file).matchAll(/\bbindings: \{([^{}]*)\}/g)) {
        const count = [...bindings!.matchAll(/\b(read|write)(Floats)?\(/g)].length
        expect(count, `storage buffers of a kernel in ${file}`).toBeLessThanOrEqual(8)
      }
    }
  })

  test('has at most 350 lines', () => {
    const long = sources.map((file) => ({ file, lines: text(file).split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > 350)).toEqual([])
  })

  test('leaves nothing to be done later', () => {
    const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|'))
    expect(sources.filter((file) => marks.test(text(file)))).toEqual([])
  })

  test('imports webgpu in src/device/node.ts only', () => {
    const importing = sources.filter((file) =>
      /(\bfrom|\bimport\(|\brequire\(|\bimport) ?['"]webgpu['"]/.test(text(file)),
    )
    // the peers of the benchmarks have no engine of ours: one file gives them a navigator.gpu
    expect(importing.filter((file) => file !== 'bench/peers/navigator.mjs')).toEqual(['src/device/node.ts'])
  })
})
