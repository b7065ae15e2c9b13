/** The command stream: everything runs in the order in which it was recorded, in submits of bounded size. */
import fc from 'fast-check'
import { beforeAll, afterAll, describe, expect, test } from 'vitest'
import { BindGroupCache } from '../../src/device/bind-groups.js'
import { wholeBuffer } from '../../src/device/buffer.js'
import { FailureLog } from '../../src/device/failures.js'
import type { DeviceHost } from '../../src/device/host.js'
import { noLabel } from '../../src/device/label.js'
import { openDevice } from '../../src/device/node.js'
import { PipelineCache } from '../../src/device/pipelines.js'
import { BufferPool } from '../../src/device/pool.js'
import { CommandStream } from '../../src/device/stream.js'
import { Submitter } from '../../src/device/submitter.js'
import { TimestampRecorder } from '../../src/device/timestamps.js'
import { useEngine } from '../support/engine.js'
import { add, appendDigit, firstOf, run, uniform, zeros } from '../support/programs.js'

const holder = useEngine()

describe('order', () => {
  test('dispatches, uploads and copies run as recorded', async () => {
    const { device } = holder.engine
    const append = appendDigit()
    const [buffer, other] = [zeros(device), zeros(device)]
    run(device, append, [buffer], 1)
    device.copy(buffer, 0, other, 0, 4) // 1
    device.upload(buffer, Uint32Array.of(7))
    run(device, append, [buffer], 2) // 72
    run(device, append, [other], 3) // 13
    device.copy(other, 0, buffer, 0, 4)
    run(device, append, [buffer], 4)
    expect(await firstOf(device, buffer)).toBe(134)
    expect(await firstOf(device, other)).toBe(13)
  })

  test('any sequence of dispatches and uploads gives what it gives one by one', async () => {
    const { device } = holder.engine
    const append = appendDigit()
    const command = fc.record({ upload: fc.boolean(), value: fc.nat({ max: 9 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 20 }), async (commands) => {
        const buffer = zeros(device)
        let expected = 0
        for (const { upload, value } of commands) {
          if (upload) device.upload(buffer, Uint32Array.of(value))
          else run(device, append, [buffer], value)
          expected = upload ? value : (Math.imul(expected, 10) + value) >>> 0
        }
        expect(await firstOf(device, buffer)).toBe(expected)
        buffer.release()
      }),
      { numRuns: 20 },
    )
  })

  test('what is recorded while a flush waits for a pipeline comes after', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    run(device, appendDigit(), [buffer], 1) // a program of its own each time, which has to be compiled first
    const flushed = device.flush()
    run(device, appendDigit(), [buffer], 2)
    const early = firstOf(device, buffer)
    await Promise.resolve()
    run(device, appendDigit(), [buffer], 3)
    const late = firstOf(device, buffer)
    await Promise.all([flushed, device.flush()])
    expect(await Promise.all([early, late])).toEqual([12, 123])
  })

  test('memory that is used again keeps the values of its first user until that one is done', async () => {
    const { device } = holder.engine
    const append = appendDigit()
    const first = zeros(device)
    run(device, append, [first], 5)
    const reading = firstOf(device, first)
    first.release()
    const second = device.allocate(4)
    expect(second.id).toBe(first.id)
    device.upload(second, Uint32Array.of(8))
    run(device, append, [second], 1)
    expect(await reading).toBe(5)
    expect(await firstOf(device, second)).toBe(81)
  })

  test('reads that overlap get the values of their own time', async () => {
    const { device } = holder.engine
    const increment = add()
    const buffer = zeros(device)
    const readings = Array.from({ length: 30 }, () => {
      run(device, increment, [buffer])
      return firstOf(device, buffer)
    })
    expect(await Promise.all(readings)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
  })

  test('10,000 dispatches need no pause of the program', async () => {
    const { device } = holder.engine
    const increment = add()
    const buffer = zeros(device)
    for (let i = 0; i < 10_000; i++) run(device, increment, [buffer])
    expect(await firstOf(device, buffer)).toBe(10_000)
  })
})

describe('submits', () => {
  let host: DeviceHost
  let failures: FailureLog
  beforeAll(async () => {
    host = await openDevice()
    failures = new FailureLog(host)
  })
  afterAll(() => {
    host.device.destroy()
  })

  /** A stream on its own, and a function that records dispatches of so much work. */
  async function makeStream() {
    const pipelines = new PipelineCache(host, 8)
    const bindGroups = new BindGroupCache(host.device)
    const submitter = new Submitter({ host, timestamps: new TimestampRecorder(host), failures })
    const stream = new CommandStream({ host, pipelines, bindGroups, submitter })
    const pool = new BufferPool(host.device, {
      maxBufferSize: 2 ** 20,
      beforeDestroy: () => undefined,
      onCreated: (check) => void check(),
      onDestroyed: () => undefined,
    })
    const entry = pipelines.get(add())
    await entry.ready
    const bindings = [wholeBuffer(pool.allocate(4))]
    const uniforms = uniform(1)
    const record = (count: number, work: number) => {
      for (let i = 0; i < count; i++) {
        stream.record({ kind: 'dispatch', entry, bindings, uniforms, workgroups: [1, 1, 1], work, label: noLabel })
      }
    }
    return { stream, submitter, record }
  }

  test.each([
    ['few small dispatches are one submit', 200, 1, 1],
    ['many small dispatches are cut at 256', 1000, 1, 4],
    ['large dispatches are cut by their work', 9, 1e10, 5],
    ['a dispatch larger than a submit goes alone', 3, 1e12, 3],
  ])('%s', async (_name, count, work, submits) => {
    const { stream, submitter, record } = await makeStream()
    record(count, work)
    await stream.flush()
    expect(submitter.submits).toBe(submits)
    expect(stream.empty).toBe(true)
    await failures.settled()
    failures.throwIfAny()
  })
})
