/** Recorded steps: what replays compute, what they do on the host, and what becomes of their memory. */
import { describe, expect, test } from 'vitest'
import { createEngine } from '../../../src/autograd/engine.js'
import { add, mul, relu, sum } from '../../../src/autograd/ops/index.js'
import { DeviceLostError, KernelError, OutOfMemoryError, ShaderError } from '../../../src/device/errors.js'
import { wholeBuffer } from '../../../src/device/buffer.js'
import { fill } from '../../../src/kernels/fill/fill.js'
import { useEngine } from '../../support/engine.js'
import { add as addValue, broken, firstOf, run, zeros } from '../../support/programs.js'

const holder = useEngine()

describe('a plan', () => {
  test('runs once when it is recorded, and again at each replay', async () => {
    const { engine } = holder
    const counter = engine.zeros([4])
    const { plan } = engine.device.plan(() => {
      engine.scope(() => {
        const next = add(mul(counter, engine.tensor([2])), engine.ones([1]))
        engine.device.copy(next.buffer, 0, counter.buffer, 0, 16)
      })
    })
    expect([...(await counter.toArray())]).toEqual([1, 1, 1, 1])
    plan.replay()
    plan.replay()
    expect([...(await counter.toArray())]).toEqual([7, 7, 7, 7])
    plan.release()
  })

  test('that takes over what eager commands wrote before it, and is seen by those after it', async () => {
    const { engine } = holder
    const [input, output] = [engine.tensor([1, -2]), engine.zeros([2])]
    const { plan } = engine.device.plan(() => {
      engine.scope(() => {
        engine.device.copy(relu(input).buffer, 0, output.buffer, 0, 8)
      })
    })
    input.set([-3, 4])
    plan.replay()
    const doubled = add(output, output)
    input.set([5, 6])
    plan.replay()
    expect([...(await doubled.toArray())]).toEqual([0, 8])
    expect([...(await output.toArray())]).toEqual([5, 6])
    plan.release()
  })

  test('asks for varying uniforms, and repeats effects, in their order', async () => {
    const { device } = holder.engine
    const [first, second] = [zeros(device), zeros(device)]
    const program = addValue()
    let value = 10
    const addNow = (buffer: typeof first) => {
      const data = new Uint32Array(1)
      const refresh = () => {
        data[0] = value
      }
      device.dispatch(program, [wholeBuffer(buffer)], { data: data.buffer, refresh }, [1, 1, 1])
    }
    const { plan } = device.plan(() => {
      addNow(first)
      device.everyStep(() => {
        value++
      })
      addNow(second)
      run(device, program, [second], 100)
    })
    expect([await firstOf(device, first), await firstOf(device, second)]).toEqual([10, 111])
    plan.replay()
    plan.replay() // before the one before it was submitted, perhaps
    expect([await firstOf(device, first), await firstOf(device, second)]).toEqual([10 + 11 + 12, 111 + 112 + 113])
    expect(value).toBe(13)
    plan.release()
  })

  test('gives what it returns memory of its own, which replays write to again', async () => {
    const { engine } = holder
    const input = engine.tensor([1, 2, 3])
    const { plan, result } = engine.device.plan(() => engine.scope(() => sum(mul(input, input))))
    expect(await result.item()).toBe(14)
    input.set([2, 2, 2])
    plan.replay()
    expect(await result.item()).toBe(12)
    expect(plan.report.kept).toBeGreaterThanOrEqual(4)
    plan.release()
    expect(await result.item()).toBe(12)
  })

  test('returns its memory when it is released, and cannot run then', async () => {
    const { engine } = holder
    const input = engine.tensor([1, -2])
    await engine.idle()
    engine.device.trim()
    const before = engine.memory()
    const { plan } = engine.device.plan(() => {
      engine.scope(() => {
        relu(add(input, input))
      })
    })
    expect(engine.memory().reserved).toBeGreaterThan(before.reserved)
    plan.release()
    plan.release()
    await engine.idle()
    expect(engine.memory()).toMatchObject({ inUse: before.inUse, reserved: before.reserved })
    expect(() => plan.replay()).toThrow(KernelError)
  })

  test('allocates nothing in replays, and shares its arenas with others', async () => {
    const { engine } = holder
    const record = (size: number) => {
      const input = engine.ones([size])
      return engine.device.plan(() => engine.scope(() => sum(relu(add(input, input)))))
    }
    const small = record(1000)
    const large = record(100_000) // the arenas grow, and the first plan finds its memory in the new ones
    const { inUse, reserved } = engine.memory()
    for (let i = 0; i < 3; i++) {
      small.plan.replay()
      large.plan.replay()
    }
    expect(await small.result.item()).toBe(2000)
    expect(await large.result.item()).toBe(200_000)
    expect(engine.memory()).toMatchObject({ inUse, reserved })
    expect(inUse).toBeLessThan(large.plan.report.planned + 2 * 2 ** 20)
    small.plan.release()
    large.plan.release()
  })

  test('keeps what it uses from outside', async () => {
    const { engine } = holder
    const input = engine.full([3], 7)
    const { plan, result } = engine.device.plan(() => engine.scope(() => relu(input)))
    input.handle.release('the test')
    engine.zeros([3])
    plan.replay()
    expect([...(await result.toArray())]).toEqual([7, 7, 7])
    plan.release()
  })
})

describe('what goes wrong', () => {
  test('an error in the step leaves the device as it was, and what the step made is gone', async () => {
    const { engine } = holder
    const input = engine.ones([2])
    let made = input
    const { inUse } = engine.memory()
    expect(() =>
      engine.device.plan(() => {
        made = relu(input)
        throw new RangeError('in the step')
      }),
    ).toThrow(RangeError)
    expect(engine.memory().inUse).toBe(inUse)
    expect(() => engine.device.copy(made.buffer, 0, input.buffer, 0, 4)).toThrow(/released/)
    expect([...(await relu(input).toArray())]).toEqual([1, 1])
  })

  test('plans inside of plans, asynchronous steps and reading back are errors', async () => {
    const { engine } = holder
    expect(() => engine.device.plan(() => engine.device.plan(() => undefined))).toThrow(/recorded already/)
    expect(() => engine.device.plan(() => Promise.resolve())).toThrow(/synchronous/)
    const input = engine.ones([1])
    let reading: Promise<number> | undefined
    const { plan } = engine.device.plan(() => {
      reading = input.item()
      reading.catch(() => undefined)
    })
    await expect(reading).rejects.toThrow(KernelError)
    plan.release()
  })

  test('a replay inside of another step, and on a device that is gone, are errors', async () => {
    const engine = await createEngine()
    const input = engine.ones([2])
    const { plan } = engine.device.plan(() => engine.scope(() => relu(input)))
    expect(() => engine.device.plan(() => plan.replay())).toThrow(/recorded already/)
    engine.destroy()
    expect(() => plan.replay()).toThrow(DeviceLostError)
  })

  test('arenas that do not fit are an error with the figures, and later steps work', async () => {
    const engine = await createEngine({ memoryLimit: 100_000 })
    try {
      const input = engine.ones([4000])
      const record = (count: number) =>
        engine.device.plan(() => {
          engine.scope(() => {
            const all = Array.from({ length: count }, () => relu(input))
            return sum(all.reduce((a, b) => add(a, b)))
          })
        })
      expect(() => record(20)).toThrow(OutOfMemoryError)
      record(2).plan.release()
      await engine.idle()
    } finally {
      engine.destroy()
    }
  })

  test('a kernel that does not compile is named, in each run', async () => {
    const { device } = holder.engine
    const buffer = zeros(device)
    const program = broken()
    const { plan } = device.plan(() => {
      run(device, program, [buffer])
    })
    await expect(device.idle()).rejects.toThrow(ShaderError)
    plan.replay()
    await expect(device.idle()).rejects.toThrow(/broken/)
    plan.release()
    await device.idle()
  })

  test('a command that the GPU refuses is named', async () => {
    const { engine } = holder
    const [a, b] = [engine.zeros([2]), engine.zeros([2])]
    const { plan } = engine.device.plan(() => {
      fill(engine.device, { output: a.buffer, size: 2, value: 1 })
      engine.device.copy(a.buffer, 0, b.buffer, 0, 2) // copies go in multiples of four bytes
    })
    await expect(engine.idle()).rejects.toThrow(/fill/)
    plan.replay()
    await expect(engine.idle()).rejects.toThrow(KernelError)
    plan.release()
    await engine.idle()
  })
})
