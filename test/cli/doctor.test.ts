/** `daybreak doctor`: what it prints, and how it tells that something is wrong. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { type KernelCheck, selfTestChecks } from '../../src/autograd/self-test/index.js'
import { Values } from '../../src/autograd/self-test/values.js'
import { examine } from '../../src/cli/doctor.js'
import { AdapterNotFoundError } from '../../src/device/errors.js'

const checks = selfTestChecks.filter(({ kernel }) => ['relu', 'add'].includes(kernel))
let printed: string

beforeEach(() => {
  printed = ''
  vi.spyOn(console, 'log').mockImplementation((line = '') => {
    printed += `${line}\n`
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

describe('doctor', () => {
  test('prints versions, adapters, limits, features, memory and a line per kernel', async () => {
    await examine({}, checks)
    expect(printed).toMatch(new RegExp(`daybreak +${packageJson.version}`))
    expect(printed).toContain(process.version)
    for (const title of ['Adapters', 'Chosen', 'largest binding', 'features', 'Memory'])
      expect(printed).toContain(title)
    expect(printed).toMatch(/│ relu +│ +1 │ ok +│ +0\.0e\+0 │/)
    expect(printed).toMatch(/│ add +│ +3 │ ok +│/)
    expect(printed).toContain('Every kernel computes what it should.')
    expect(process.exitCode).toBeUndefined()
  })

  test('exits with 1 and says what to do when a kernel is wrong', async () => {
    const [relu] = checks.filter(({ kernel }) => kernel === 'relu')
    const broken: KernelCheck = {
      ...relu!,
      reference: ({ input }) => new Values(input!.shape, input!.data.map(Math.abs)),
    }
    await examine({}, [...checks.filter(({ kernel }) => kernel !== 'relu'), broken])
    expect(printed).toMatch(/│ relu +│ +1 │ ERROR/)
    expect(printed).toMatch(/relu: 335 elements: output: relative error/)
    expect(printed).toMatch(/1 of 2 kernels are wrong on this adapter[^]*--adapter swiftshader/)
    expect(process.exitCode).toBe(1)
  })

  test('prints versions and adapters even where none fits', async () => {
    await expect(examine({ adapter: 'no such adapter' }, checks)).rejects.toThrow(AdapterNotFoundError)
    expect(printed).toContain('Adapters')
  })
})
