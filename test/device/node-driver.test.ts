/** Unpacking the bundled driver: by many processes at once, into damaged and read-only folders, next to system drivers. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { prepareBundledDriver } from '../../src/device/node/swiftshader.js'
import { bundle, importable, type NodeResult, runNode } from '../support/child-process.js'

const temporary = mkdtempSync(path.join(os.tmpdir(), 'daybreak-test-'))
afterAll(() => {
  rmSync(temporary, { recursive: true, force: true })
})

let cache = ''
beforeEach(() => {
  cache = mkdtempSync(path.join(temporary, 'cache-'))
})

const driverFiles = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json']
const isRoot = process.getuid?.() === 0

async function openSwiftShader(environment: Record<string, string | undefined>): Promise<NodeResult> {
  const module = await bundle('src/device/node.ts')
  const script = `
    import { openDevice } from ${importable(module)}
    const host = await openDevice({ adapter: 'swiftshader' })
    console.log(host.adapter.source, host.adapter.name)`
  return runNode(script, { environment: { DAYBREAK_CACHE: cache, DAYBREAK_ADAPTER: undefined, ...environment } })
}

function expectOpened(result: NodeResult): void {
  expect(result, result.stderr).toMatchObject({ status: 0, signal: null })
  expect(result.stdout).toMatch(/^bundled SwiftShader Device/)
}

function unpackedFolder(): string {
  const folders = readdirSync(cache)
  expect(folders).toHaveLength(1)
  return path.join(cache, folders[0]!)
}

describe.runIf(await prepareBundledDriver())('the bundled driver', () => {
  test('is unpacked by many processes at once, and nothing else is left behind', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => openSwiftShader({})))
    for (const result of results) expectOpened(result)
    const folder = unpackedFolder()
    expect(readdirSync(folder).sort()).toEqual(driverFiles)
    expect(statSync(folder).mode & 0o077).toBe(0)
  })

  test('a folder in which files are missing is completed', async () => {
    expectOpened(await openSwiftShader({}))
    rmSync(path.join(unpackedFolder(), 'libvulkan.so.1'))
    expectOpened(await openSwiftShader({}))
    expect(readdirSync(unpackedFolder()).sort()).toEqual(driverFiles)
  })

  test('what other users could have put into the cache is not loaded', async () => {
    expectOpened(await openSwiftShader({}))
    chmodSync(unpackedFolder(), 0o777)
    writeFileSync(path.join(unpackedFolder(), 'libvk_swiftshader.so'), 'not a library')
    expectOpened(await openSwiftShader({ XDG_CACHE_HOME: path.join(temporary, 'user-cache') }))
  })

  test('comes into a temporary folder where nothing can be written, and goes with the process', async () => {
    const file = path.join(cache, 'file')
    writeFileSync(file, '') // nobody can make a folder below a file, not even root, whom permissions do not stop
    const files = mkdtempSync(path.join(temporary, 'tmp-'))
    const home = path.join(cache, 'home')
    mkdirSync(home, { mode: 0o555 })
    const environment = { DAYBREAK_CACHE: path.join(file, 'cache'), HOME: home, TMPDIR: files }
    for (const XDG_CACHE_HOME of isRoot ? [file] : [file, undefined]) {
      expectOpened(await openSwiftShader({ ...environment, XDG_CACHE_HOME }))
      expect(readdirSync(files)).toEqual([])
      expect(readdirSync(home)).toEqual([])
    }
  })

  test('is found next to system drivers, and leaves the environment as it was', async () => {
    const module = await bundle('src/device/node.ts')
    const result = await runNode(
      `import { openDevice, listAdapters } from ${importable(module)}
       const before = JSON.stringify(process.env)
       const first = await openDevice()
       const second = await openDevice({ adapter: 'swiftshader' })
       const third = await openDevice()
       console.log(first.adapter.name === third.adapter.name, second.adapter.source)
       console.log(JSON.stringify(await listAdapters()) === JSON.stringify(await listAdapters()))
       console.log(JSON.stringify(process.env) === before)`,
      { environment: { DAYBREAK_ADAPTER: undefined } },
    )
    expect(result, result.stderr).toMatchObject({ status: 0, signal: null, stdout: 'true bundled\ntrue\ntrue\n' })
  })

  test('is reached from a worker thread that shares the environment; other workers are told about it', async () => {
    const module = await bundle('src/device/node.ts')
    const result = await runNode(
      `import { SHARE_ENV, Worker } from 'node:worker_threads'
       const code = \`import(${importable(module)}).then(async ({ openDevice }) => {
         const { parentPort } = await import('node:worker_threads')
         const host = await openDevice({ adapter: 'swiftshader' }).catch((error) => ({ adapter: { name: error.tried.join() } }))
         parentPort.postMessage(host.adapter.name)
         host.device?.destroy()
       })\`
       for (const env of [process.env, SHARE_ENV]) {
         const worker = new Worker(code, { eval: true, env })
         await new Promise((resolve) => worker.once('message', (name) => { console.log(name); worker.once('exit', resolve) }))
       }`,
      { environment: { DAYBREAK_ADAPTER: undefined } },
    )
    expect(result, result.stderr).toMatchObject({ status: 0, signal: null })
    const [separate, shared] = result.stdout.split('\n')
    expect(separate).toContain('start the worker with { env: SHARE_ENV }')
    expect(shared).toMatch(/^SwiftShader Device/)
  })
})
