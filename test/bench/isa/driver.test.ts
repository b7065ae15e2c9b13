import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { buildNullQueue, compilerEnvironment, findDriver, SetupError } from '../../../bench/isa/driver.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'daybreak-isa-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const write = (name: string, text: string) => {
  const file = path.join(folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

test("the driver is the one in RADV_LIB, else the one beside a manifest's library", () => {
  const library = write('libvulkan_radeon.so', '')
  expect(findDriver({ RADV_LIB: library })).toBe(library)
  const manifest = write('lvp_icd.json', JSON.stringify({ ICD: { library_path: './libvulkan_lvp.so' } }))
  expect(findDriver({ VK_ICD_FILENAMES: `${path.join(folder, 'none.json')}${path.delimiter}${manifest}` })).toBe(
    library,
  )
})

test('a driver that is not there is an error that says what to do', () => {
  const missing = path.join(folder, 'missing.so')
  expect(() => findDriver({ RADV_LIB: missing })).toThrow(SetupError)
  expect(() => findDriver({ RADV_LIB: missing })).toThrow(missing)
  const damaged = write('damaged.json', '{')
  const without = write('elsewhere/lvp_icd.json', JSON.stringify({ ICD: { library_path: 'libvulkan_lvp.so' } }))
  for (const manifests of ['', damaged, without]) {
    expect(() => findDriver({ VK_ICD_FILENAMES: manifests })).toThrow(/RADV_LIB has to name.*mesa-vulkan-drivers/)
  }
})

test('a missing compiler is an error that says what to do', () => {
  write('bench/isa/null-queue.c', '')
  vi.stubEnv('PATH', folder)
  expect(() => buildNullQueue(folder)).toThrow(/no C compiler "cc".*install gcc or clang/)
})

test("a source that cannot be compiled is an error with the compiler's message", () => {
  write('bench/isa/null-queue.c', '')
  chmodSync(write('cc', '#!/bin/sh\necho "null-queue.c:1: bad source" >&2\nexit 1\n'), 0o755)
  vi.stubEnv('PATH', `${folder}${path.delimiter}${process.env.PATH}`)
  expect(() => buildNullQueue(folder)).toThrow(/could not build.*\nnull-queue.c:1: bad source/)
})

test('the wave size is left to Dawn unless it is given', () => {
  const options = { manifest: 'm', driver: 'd', family: 'navi31' }
  expect(compilerEnvironment({ HOME: '/home' }, { ...options, waveSize: undefined })).toMatchObject({
    HOME: '/home',
    VK_DRIVER_FILES: 'm',
    DAYBREAK_ISA_DRIVER: 'd',
    RADV_FORCE_FAMILY: 'navi31',
  })
  expect(compilerEnvironment({}, { ...options, waveSize: undefined })).not.toHaveProperty('DAYBREAK_ISA_WAVE_SIZE')
  expect(compilerEnvironment({}, { ...options, waveSize: 32 })).toMatchObject({ DAYBREAK_ISA_WAVE_SIZE: '32' })
})
