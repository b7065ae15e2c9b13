/** What npm would publish: what the command needs, and nothing else; and that it runs from where npm installs it. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { bundle, repository, runProgram } from '../support/child-process.js'

let folder: string
let project: string
beforeAll(async () => {
  const command = await bundle('src/cli/main.ts')
  folder = mkdtempSync(path.join(repository, 'build', 'test-package-')) // npm packages are found from here
  project = path.join(folder, 'project')
  for (const name of ['dist', 'test', 'src']) mkdirSync(path.join(project, name), { recursive: true })
  for (const name of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'tsconfig.json']) {
    copyFileSync(path.join(repository, name), path.join(project, name))
  }
  copyFileSync(path.join(repository, 'test/structure.test.ts'), path.join(project, 'test/structure.test.ts'))
  copyFileSync(path.join(repository, 'src/index.ts'), path.join(project, 'src/index.ts'))
  cpSync(path.dirname(command), path.join(project, 'dist'), { recursive: true })
  copyFileSync(command, path.join(project, packageJson.bin.daybreak))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const npmPack = (...words: string[]) =>
  JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--offline', '--loglevel', 'silent', ...words], {
      cwd: project,
      encoding: 'utf8',
      shell: process.platform === 'win32', // npm is a script there
    }),
  ) as [{ filename: string; files: { path: string }[] }]

describe('the package', () => {
  test('holds the build, the texts that belong to it, and nothing else', () => {
    const [{ files }] = npmPack('--dry-run')
    const names = files.map((file) => file.path)
    expect(names).toContain('dist/cli.mjs')
    expect(names.filter((name) => !name.startsWith('dist/')).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
    ])
  })

  test('names what is built', async () => {
    const { default: configurations } = await import('../../tsdown.config.js')
    const [{ entry, outDir }] = configurations as unknown as [{ entry: Record<string, string>; outDir: string }]
    const built = Object.keys(entry).map((name) => `./${outDir}/${name}.mjs`)
    expect(built).toContain(packageJson.bin.daybreak)
    expect(built).toContain(packageJson.exports['.'].default)
  })

  test('has a command that runs when npm has installed it', async () => {
    const [{ filename }] = npmPack('--pack-destination', folder)
    const installed = path.join(folder, 'node_modules/daybreak')
    mkdirSync(installed, { recursive: true })
    execFileSync('tar', ['-xf', path.join(folder, filename), '-C', installed, '--strip-components=1'])
    mkdirSync(path.join(folder, 'node_modules/.bin'))
    const command = path.join(folder, 'node_modules/.bin/daybreak')
    symlinkSync(path.join('../daybreak', packageJson.bin.daybreak), command)

    const version = await runProgram(process.execPath, [command, '--version'], { folder })
    expect(version).toMatchObject({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' })
    const summary = await runProgram(process.execPath, [command, 'summary', '--model', 'minivgg'], { folder })
    expect(summary.stdout).toContain('Total params: 54,666')
    expect(summary.status).toBe(0)
  })
})
