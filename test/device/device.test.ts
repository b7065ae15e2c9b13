/** What the device refuses, how it moves bytes, and how errors that arrive late are reported. */
import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { wholeBuffer } from '../../src/device/buffer.js'
import { DeviceLostError, KernelError } from '../../src/device/errors.js'
import { openDevice } from '../../src/device/node.js'
import { bundle, importable, runNode } from '../support/child-process.js'
import { tinyLimits, useEngine } from '../support/engine.js'
import { add, firstOf, run, testProgram, uniform, zeros } from '../support/programs.js'

const holder = useEngine({ requiredLimits: tinyLimits })

describe('a dispatch is refused', () => {
  const copyProgram = testProgram('test/copy', 'b1[0] = b0[0] + value;', ['read', 'write'])
  const dispatch = (bytes: number, offset: number, size: number, grid: [number, number, number] = [1, 1, 1]) => {
    const { device } = holder.engine
    const [buffer, output] = [device.allocate(bytes), device.allocate(4)]
    const ranges = [{ buffer, offset, size }, wholeBuffer(output)]
    device.dispatch(copyProgram, ranges, uniform(1), grid)
  }

  test('when a buffer was released', () => {
    const { device } = holder.engine
    const [input, output] = [device.allocate(4), device.allocate(4)]
    input.release()
    expect(() => run(device, copyProgram, [input, output])).toThrow(/test\/copy: the buffer "b0" was released/)
    expect(() => input.release()).toThrow(/twice/)
    expect(() => input.retain()).toThrow(/released/)
  })

  test('when one buffer is bound to read and to write, even on disjoint ranges', () => {
    const { device } = holder.engine
    const buffer = device.allocate(4096)
    const half = (offset: number) => ({ buffer, offset, size: 2048 })
    expect(() => run(device, copyProgram, [half(0), half(2048)])).toThrow(/"b0" and "b1" are the same buffer/)
  })

  test('when a binding is larger than the limit or begins between two allowed offsets', () => {
    const limit = tinyLimits.maxStorageBufferBindingSize
    expect(() => dispatch(2 * limit, 0, limit)).not.toThrow()
    expect(() => dispatch(2 * limit, 0, limit + 4)).toThrow(/"b0" has 65540 bytes at 0; the device allows 65536/)
    expect(() => dispatch(1024, 4, 4)).toThrow(/"b0" has 4 bytes at 4; .* multiples of/)
  })

  test('when the grid is empty or exceeds the limit in a dimension', () => {
    expect(() => dispatch(4, 0, 4, [64, 64, 64])).not.toThrow()
    expect(() => dispatch(4, 0, 4, [65, 1, 1])).toThrow(/65 x 1 x 1 workgroups; the device allows 1 to 64/)
    expect(() => dispatch(4, 0, 4, [1, 1, 0])).toThrow(KernelError)
  })

  test('when buffers are missing, or the program has more than the device binds', () => {
    const { device } = holder.engine
    expect(() => run(device, copyProgram, [device.allocate(4)])).toThrow(/expected 2 buffers, got 1/)
    const count = device.limits.storageBuffers + 1
    const greedy = testProgram(
      'test/greedy',
      '',
      Array.from({ length: count }, () => 'write'),
    )
    const buffers = Array.from({ length: count }, () => device.allocate(4))
    expect(() => run(device, greedy, buffers)).toThrow(`has ${count} storage bindings`)
  })
})

describe('bytes', () => {
  test('come back as they went in, whatever their number and wherever they lie', async () => {
    const { device } = holder.engine
    const bytes = Uint8Array.from({ length: 1003 }, (_, i) => i)
    const shared = new Uint8Array(new SharedArrayBuffer(1003))
    shared.set(bytes)
    for (const given of [bytes, shared, bytes.subarray(1, 8)]) {
      const buffer = device.allocate(given.length)
      device.upload(buffer, given)
      expect(new Uint8Array(await device.read(buffer, 0, given.length))).toEqual(Uint8Array.from(given))
    }
  })

  test('a part of a buffer is bound, copied, written and read where it lies', async () => {
    const { device } = holder.engine
    const alignment = device.limits.offsetAlignment
    const whole = zeros(device, 3 * alignment)
    const part = whole.part(alignment, 8)
    run(device, add(), [part], 5)
    device.upload(part, Uint32Array.of(7), 4)
    const copy = zeros(device, 8)
    device.copy(part, 0, copy, 0, 8)
    expect([...new Uint32Array(await device.read(part))]).toEqual([5, 7])
    expect([...new Uint32Array(await device.read(copy))]).toEqual([5, 7])
    const values = new Uint32Array(await device.read(whole))
    expect([values[0], values[alignment / 4], values[alignment / 4 + 1], values.at(-1)]).toEqual([0, 5, 7, 0])
    expect(() => whole.part(alignment, 3 * alignment)).toThrow(RangeError)
  })

  test('a part keeps the whole buffer until all are released', () => {
    const { device } = holder.engine
    const { inUse } = device.memory()
    const whole = zeros(device, 1024)
    const part = whole.part(256, 512)
    const partOfPart = part.part(256, 4)
    expect(partOfPart.gpuOffset).toBe(512)
    whole.release()
    part.release()
    expect(device.memory().inUse).toBe(inUse + 1024)
    partOfPart.release()
    expect(device.memory().inUse).toBe(inUse)
    expect(() => whole.part(0, 4)).toThrow(/released/)
  })

  test('an upload takes its values at once', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    run(device, add(), [buffer]) // so that the upload has to wait for its turn
    const values = Uint32Array.of(5)
    device.upload(buffer, values)
    values[0] = 6
    expect(await firstOf(device, buffer)).toBe(5)
  })

  test('an upload of many pieces arrives whole', async () => {
    const { device } = holder.engine
    const values = Uint32Array.from({ length: 5 * 2 ** 20 }, (_, i) => i)
    const buffer = device.allocate(values.byteLength)
    device.upload(buffer, values)
    expect(Buffer.from(await device.read(buffer)).equals(Buffer.from(values.buffer))).toBe(true)
    buffer.release()
    device.trim()
  })

  test('are not moved outside of a buffer, or of one that was released', async () => {
    const { device } = holder.engine
    const [small, large] = [zeros(device, 8), zeros(device, 16)]
    expect(() => device.upload(small, new Uint8Array(12))).toThrow(/upload: 12 bytes at 0 of a buffer of 8 bytes/)
    expect(() => device.upload(small, new Uint8Array(4), 8)).toThrow(KernelError)
    expect(() => device.copy(large, 4, small, 0, 12)).toThrow(/copy: 12 bytes at 0 of a buffer of 8/)
    await expect(device.read(small, 4, 8)).rejects.toThrow(/read: 8 bytes at 4 of a buffer of 8/)
    small.release()
    expect(() => device.upload(small, new Uint8Array(4))).toThrow(/upload: the buffer was released/)
    expect(() => device.copy(large, 0, small, 0, 4)).toThrow(/copy: the buffer was released/)
    await expect(device.read(small)).rejects.toThrow(/read: the buffer was released/)
  })

  test('withoutRunning checks commands and runs none', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    device.withoutRunning(() => {
      run(device, add(), [buffer])
      device.upload(buffer, Uint32Array.of(9))
      expect(() => run(device, add(), [])).toThrow(KernelError)
    })
    expect(await firstOf(device, buffer)).toBe(0)
  })
})

describe('a command that the GPU refuses', () => {
  test('is thrown by the next call that waits, once, and the device goes on', async () => {
    const { device } = holder.engine
    const [source, destination] = [zeros(device, 8), zeros(device, 8)]
    run(device, add(), [destination], 3)
    device.copy(source, 0, destination, 0, 2) // copies go in multiples of four bytes
    await expect(device.read(destination)).rejects.toThrow(KernelError)
    expect(await firstOf(device, destination)).toBe(0) // the submit as a whole was refused
    run(device, add(), [destination], 4)
    expect(await firstOf(device, destination)).toBe(4)
  })

  test('is thrown by idle(), and names the kernels of its submit', async () => {
    const { device } = holder.engine
    const [source, destination] = [zeros(device, 8), zeros(device, 8)]
    run(device, add(), [destination], 3)
    device.copy(source, 0, destination, 0, 2)
    await expect(device.idle()).rejects.toThrow(/test\/add/)
    await device.idle()
  })
})

describe('a device that is gone', () => {
  const lost = async (destroy: (device: GPUDevice) => void) => {
    const host = await openDevice()
    const { device } = await createEngine({ device: host.device })
    const buffer = zeros(device)
    run(device, add(), [buffer])
    const waiting = [device.read(buffer), device.flush(), device.idle()]
    const outcomes = Promise.allSettled(waiting)
    destroy(host.device)
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(DeviceLostError) as unknown })
    }
    for (const call of [() => run(device, add(), [buffer]), () => device.allocate(4), () => zeros(device)]) {
      expect(call).toThrow(DeviceLostError)
    }
    expect(() => device.upload(buffer, new Uint8Array(4))).toThrow(/was lost .*create a new engine/)
    for (const call of [() => device.read(buffer), () => device.flush(), () => device.idle()]) {
      await expect(call()).rejects.toThrow(DeviceLostError)
    }
    buffer.release() // tensors that go out of use later must not fail
    device.trim()
  }

  test('because its owner destroyed it in mid-flight', () => lost((device) => device.destroy()))

  test('because the engine was destroyed in mid-flight', async () => {
    const engine = await createEngine()
    const buffer = zeros(engine.device)
    run(engine.device, add(), [buffer])
    const outcomes = Promise.allSettled([engine.device.read(buffer), engine.device.flush(), engine.idle()])
    engine.destroy()
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(DeviceLostError) as unknown })
    }
    engine.destroy()
    await expect(engine.idle()).rejects.toThrow(/it was destroyed/)
  })
})

test('a failure that nobody awaits does not end the process', { timeout: 60_000 }, async () => {
  const [engineModule, programs] = await Promise.all([
    bundle('src/autograd/engine.ts'),
    bundle('test/support/programs.ts'),
  ])
  const script = `
    import { createEngine } from ${importable(engineModule)}
    import { add, broken, firstOf, run, zeros } from ${importable(programs)}
    const { device } = await createEngine()
    const buffer = zeros(device)
    run(device, broken(), [buffer])
    void device.flush()
    await new Promise((resolve) => setTimeout(resolve, 500))
    run(device, add(), [buffer], 7)
    console.log(await firstOf(device, buffer))
    device.copy(buffer, 0, zeros(device), 0, 2)
    void device.flush()
    run(device, broken(), [buffer])
    device.destroy()
    await new Promise((resolve) => setTimeout(resolve, 200))
    console.log('alive')
  `
  expect(await runNode(script)).toMatchObject({ status: 0, stdout: '7\nalive\n' })
})
