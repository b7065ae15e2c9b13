/** Which adapter is opened, with which limits and features, and what is said when there is none. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { AdapterNotFoundError, OptionError } from '../../src/device/errors.js'
import { type DeviceHost, limitNames } from '../../src/device/host.js'
import { listAdapters, openDevice } from '../../src/device/node.js'
import type { RequiredLimits } from '../../src/device/node/limits.js'
import { prepareBundledDriver } from '../../src/device/node/swiftshader.js'
import { bundle, importable, runNode } from '../support/child-process.js'

const hasBundledDriver = (await prepareBundledDriver()) !== undefined
const temporary = mkdtempSync(path.join(os.tmpdir(), 'daybreak-test-'))
afterAll(() => {
  rmSync(temporary, { recursive: true, force: true })
})

describe('choice', () => {
  test('opens the best adapter and computes on it', async () => {
    const host = await openDevice()
    const listed = await listAdapters()
    expect(listed.map(({ name }) => name)).toContain(host.adapter.name)
    expect(host.adapter.driver).not.toBe('')
    expect(await double(host, [1, 2, 3])).toEqual([2, 4, 6])
    host.device.destroy()
  })

  test('lists the system before the bundled driver, and never the Null backend', async () => {
    const listed = await listAdapters()
    expect(listed.length).toBeGreaterThan(0)
    if (hasBundledDriver) {
      expect(listed.at(-1)).toEqual({
        name: expect.stringContaining('SwiftShader') as string,
        backend: 'vulkan',
        kind: 'software',
        source: 'bundled',
      })
    }
    expect(listed.map(({ backend }) => backend)).not.toContain('null')
  })

  test.runIf(hasBundledDriver)('takes an adapter by a part of its name in any case', async () => {
    const { device, adapter } = await openDevice({ adapter: 'sWiFtShAdEr' })
    expect(adapter).toMatchObject({ architecture: 'swiftshader', kind: 'software' })
    device.destroy()
  })

  test('says which adapters exist when none has the name', async () => {
    const failure = await openDevice({ adapter: 'nonexistent' }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AdapterNotFoundError)
    const { message, tried } = failure as AdapterNotFoundError
    expect(message).toContain('"nonexistent"')
    for (const { name } of await listAdapters()) expect(message).toContain(`"${name}"`)
    expect(tried).toHaveLength(process.platform === 'linux' ? 2 : 1)
  })

  test('the environment names the adapter too', async () => {
    const module = await bundle('src/device/node.ts')
    const result = await runNode(
      `import { openDevice } from ${importable(module)}
       await openDevice().catch((error) => console.log(error.name, error.message))`,
      { environment: { DAYBREAK_ADAPTER: 'nonexistent' } },
    )
    expect(result).toMatchObject({ status: 0, signal: null })
    expect(result.stdout).toContain('AdapterNotFoundError no adapter\'s name contains "nonexistent"')
  })

  test("refuses Dawn's Null backend", async () => {
    const module = await bundle('src/device/node.ts')
    const result = await runNode(
      `import { openDevice } from ${importable(module)}
       const text = await openDevice().then((host) => host.adapter.source + ' ' + host.adapter.name, (error) => error.message)
       console.log(text)`,
      { environment: { DAYBREAK_ADAPTER: undefined, DAWNNODE_BACKEND: 'null' } },
    )
    expect(result).toMatchObject({ status: 0, signal: null })
    expect(result.stdout).toMatch(hasBundledDriver ? /^bundled SwiftShader/ : /Null backend, which computes nothing/)
  })

  test.runIf(process.platform === 'linux')('says what to install when there is no adapter at all', async () => {
    // A place where the optional dependency is not installed, on a machine whose only manifest names no driver.
    const installation = path.join(temporary, 'without-optional')
    mkdirSync(path.join(installation, 'node_modules'), { recursive: true })
    for (const name of ['webgpu', 'tar-stream']) {
      symlinkSync(path.resolve('node_modules', name), path.join(installation, 'node_modules', name))
    }
    const module = path.join(installation, 'module.mjs')
    cpSync(await bundle('src/device/node.ts'), module)
    const result = await runNode(
      `import { openDevice } from ${importable(module)}
       await openDevice().catch((error) => console.log(error.name, JSON.stringify(error.tried), error.message))`,
      {
        environment: {
          DAYBREAK_ADAPTER: undefined,
          VK_DRIVER_FILES: '/nowhere.json',
          VK_ICD_FILENAMES: '/nowhere.json',
        },
      },
    )
    expect(result).toMatchObject({ status: 0, signal: null })
    expect(result.stdout).toMatch(/^AdapterNotFoundError/)
    expect(result.stdout).toContain('drivers of the system: they offer no adapter')
    expect(result.stdout).toMatch(/bundled software driver: (the optional npm package|there is one for)/)
    expect(result.stdout).toContain('apt install libvulkan1 mesa-vulkan-drivers')
    expect(result.stdout).toContain('npm install @sparticuz/chromium@143')
  })
})

describe('limits and features', () => {
  test("the device has the adapter's limits", async () => {
    const { device, limits } = await openDevice()
    for (const name of limitNames) expect(device.limits[name], name).toBe(limits[name])
    expect(limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27)
    expect(limits.maxStorageBuffersPerShaderStage).toBeGreaterThanOrEqual(8)
    device.destroy()
  })

  test.runIf(hasBundledDriver)('a buffer of the largest size can be made', async () => {
    const host = await openDevice({ adapter: 'swiftshader' })
    const { device, limits } = host
    device.pushErrorScope('out-of-memory')
    const buffer = device.createBuffer({ size: limits.maxBufferSize, usage: 0x80 })
    expect(await host.asynchronous(() => device.popErrorScope())).toBeNull()
    buffer.destroy()
    device.destroy()
  })

  test('limits can be made smaller than any device has them', async () => {
    const requiredLimits = { maxStorageBufferBindingSize: 2 ** 16, minStorageBufferOffsetAlignment: 512 }
    const { device, limits } = await openDevice({ requiredLimits })
    expect(limits).toMatchObject(requiredLimits)
    expect(limits.maxBufferSize).toBeGreaterThanOrEqual(2 ** 28)
    device.destroy()
  })

  test.each([
    [{ maxBufferSize: 2 ** 52 }, 'requiredLimits.maxBufferSize', 'at most'],
    [{ maxBufferSize: 1.5 }, 'requiredLimits.maxBufferSize', 'a positive integer'],
    [{ minStorageBufferOffsetAlignment: 300 }, 'requiredLimits.minStorageBufferOffsetAlignment', 'a power of two'],
    [{ minStorageBufferOffsetAlignment: 2 }, 'requiredLimits.minStorageBufferOffsetAlignment', 'a power of two'],
    [{ maxSpeed: 1 }, 'requiredLimits.maxSpeed', 'one of maxBufferSize'],
  ])('refuses the limits %o', async (requiredLimits, option, expected) => {
    const failure = await openDevice({ requiredLimits: requiredLimits as RequiredLimits }).catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(OptionError)
    expect(failure).toMatchObject({ option, expected: expect.stringContaining(expected) as string })
  })

  test.runIf(hasBundledDriver)('has timestamps and subgroups where the adapter has them', async () => {
    const { device } = await openDevice({ adapter: 'swiftshader' })
    expect(device.features.has('timestamp-query')).toBe(true)
    expect(device.features.has('subgroups')).toBe(true)
    device.destroy()
  })
})

const doubling = `
  @group(0) @binding(0) var<storage, read_write> values: array<f32>;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (id.x < arrayLength(&values)) { values[id.x] = 2.0 * values[id.x]; }
  }`

async function double(host: DeviceHost, values: number[]): Promise<number[]> {
  const { device } = host
  const size = values.length * 4
  const buffer = device.createBuffer({ size, usage: 0x80 | 0x4 | 0x8 })
  const readable = device.createBuffer({ size, usage: 0x1 | 0x8 })
  device.queue.writeBuffer(buffer, 0, new Float32Array(values))
  const module = device.createShaderModule({ code: doubling })
  const pipeline = await host.asynchronous(() =>
    device.createComputePipelineAsync({ layout: 'auto', compute: { module } }),
  )
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer } }],
    }),
  )
  pass.dispatchWorkgroups(1)
  pass.end()
  encoder.copyBufferToBuffer(buffer, 0, readable, 0, size)
  device.queue.submit([encoder.finish()])
  await host.asynchronous(() => readable.mapAsync(1))
  return [...new Float32Array(readable.getMappedRange())]
}
