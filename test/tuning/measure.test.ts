/** Measuring, with a clock that says what the tests want; and from a run that measures to one that uses it. */
import { describe, expect, test } from 'vitest'
import { createEngine, type Engine, type EngineOptions } from '../../src/autograd/engine.js'
import { cast, conv2d, linear, sum } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { OutOfMemoryError } from '../../src/device/errors.js'
import { measureProblem, methodsToTry, wallClock } from '../../src/tuning/measure.js'
import { measureProblems } from '../../src/tuning/measure-problems.js'
import { methodName, problemName, problemOf, type TuningProblem } from '../../src/tuning/tunable.js'
import { Tuner } from '../../src/tuning/tuner.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'
import { clockOf, memoryStore, squares } from '../support/tuning.js'

const holder = useEngine()

describe('the methods of a problem', () => {
  const candidates = [1, 2, 3, 3.1].map((cost) => ({ method: { way: `${cost}` }, cost }))

  test('are tried if they may be the fastest, or would be taken anyway', () => {
    const tried = (usual: string) => methodsToTry(candidates, { way: usual }).map(methodName)
    expect(tried('1')).toEqual(['1', '2', '3'])
    expect(tried('3.1')).toEqual(['1', '2', '3', '3.1'])
  })

  test('are timed several times, and the median is kept', async () => {
    const tuner = new Tuner(holder.engine.device)
    const times: Record<string, number[]> = { plain: [100, 9, 5, 7, 300], fast: [100, 6, 6, 2, 300] }
    const clock = clockOf((way) => times[way]!.splice(0, 1)[0]!)
    const { measured } = await measureProblem(tuner, problemOf(squares, { side: 4, batch: 2 }), { clock, budget: 20 })
    expect(measured).toMatchObject({ family: 'squares', shape: '4x4', batch: 2 })
    expect(measured!.timings).toEqual([
      { method: { way: 'plain' }, milliseconds: 7, runs: 3 },
      { method: { way: 'fast' }, milliseconds: 6, runs: 4 },
    ])
    expect(Math.abs(Date.parse(measured!.date) - Date.now())).toBeLessThan(60_000)
  })

  test('that turn out to be slow are timed no further', async () => {
    const tuner = new Tuner(holder.engine.device)
    const clock = clockOf((way) => (way === 'plain' ? 2 : 5))
    const { measured } = await measureProblem(tuner, problemOf(squares, { side: 4, batch: 2 }), { clock })
    expect(measured!.timings).toEqual([
      { method: { way: 'plain' }, milliseconds: 2, runs: 25 },
      { method: { way: 'fast' }, milliseconds: 5, runs: 1 },
    ])
  })

  test('that cannot run are told of, and the others measured', async () => {
    const tuner = new Tuner(holder.engine.device)
    const problem: TuningProblem = {
      ...problemOf(squares, { side: 4, batch: 2 }),
      run: (_device, _buffers, { way }) => {
        if (way === 'plain') throw new OutOfMemoryError(8, 4, 6)
      },
    }
    const { measured, refused } = await measureProblem(tuner, problem, { clock: clockOf(() => 1) })
    expect(measured!.timings.map(({ method }) => method)).toEqual([{ way: 'fast' }])
    expect(refused.map(({ method, error }) => [method.way, error.name])).toEqual([['plain', 'OutOfMemoryError']])
  })

  test('that are all too large leave the problem unmeasured', async () => {
    const engine = await createEngine({ memoryLimit: 2 ** 20 })
    try {
      const problem = problemOf(squares, { side: 1024, batch: 1 })
      const report = await measureProblems(engine.tuner, [problem], { clock: clockOf(() => 1) })
      expect(report.problems).toMatchObject([{ milliseconds: undefined, fresh: false, method: { way: 'plain' } }])
      expect(report.problems[0]!.refused).toHaveLength(2)
    } finally {
      engine.destroy()
    }
  })

  test.each([undefined, wallClock])('are timed by the clocks that there are', async (clock) => {
    const { engine } = holder
    const [problem] = problemsOfStep(engine)
    const inUse = engine.memory().inUse
    const { measured, refused } = await measureProblem(engine.tuner, problem!, { clock, budget: 5 })
    expect(refused).toEqual([])
    expect(measured!.timings.every(({ milliseconds }) => milliseconds > 0 && milliseconds < 60_000)).toBe(true)
    // what the step has left to the garbage collector may be gone by now
    expect(engine.memory().inUse).toBeLessThanOrEqual(inUse)
  })
})

test('arrays of f16 are measured as such, apart from those of f32', async ({ skip }) => {
  const { engine } = holder
  skip(!engine.device.features.has('shader-f16'), 'no shader-f16')
  const problems = engine.tuner.problemsOf(() => {
    engine.scope(() => {
      const [image, kernel, weight] = [
        [2, 6, 6, 4],
        [3, 3, 4, 8],
        [5, 8],
      ].map((shape) => engine.ones(shape))
      for (const dtype of ['f32', 'f16'] as const) linear(conv2d(cast(image!, dtype), kernel!), weight!)
    })
  })
  expect(problems.map(({ shape }) => shape)).toEqual([
    'forward 6x6x4 -> 4x4x8, kernel 3x3, packed',
    '[32x8] * [5x8]^T',
    'forward 6x6x4 -> 4x4x8, kernel 3x3, f16, packed',
    '[32x8] * [5x8]^T, f16 left and right and output',
  ])
  for (const problem of problems) {
    const { measured, refused } = await measureProblem(engine.tuner, problem, { clock: clockOf(() => 1) })
    expect(refused).toEqual([])
    expect(measured).toBeDefined()
  }
  await engine.idle()
})

/** A convolution, a linear layer and their gradients. */
function step(engine: Engine): Tensor {
  const tensor = (shape: number[], seed: number) => {
    const size = shape.reduce((a, b) => a * b)
    return engine.tensor(testValues(size, seed), shape, { requiresGrad: true })
  }
  const [image, kernel, weight] = [tensor([2, 6, 6, 4], 1), tensor([3, 3, 4, 8], 2), tensor([5, 8], 3)]
  const output = linear(conv2d(image, kernel, undefined, { padding: 1 }), weight)
  sum(output).backward()
  return kernel.grad!
}

const problemsOfStep = (engine: Engine) =>
  engine.tuner.problemsOf(() => {
    engine.device.withoutRunning(() => {
      engine.scope(() => {
        step(engine)
      })
    })
  })

async function withEngine<T>(options: EngineOptions, body: (engine: Engine) => T | Promise<T>): Promise<T> {
  const engine = await createEngine(options)
  try {
    return await body(engine)
  } finally {
    engine.destroy()
  }
}

describe('from a run that measures to the next one', () => {
  const choices = (engine: Engine) =>
    problemsOfStep(engine).map((problem) => {
      const { method, from } = engine.tuner.choice(problem)
      return { problem: problemName(problem), method: methodName(method), from }
    })

  /** Of every problem, the method that is tried last. */
  const lastTried = (engine: Engine) =>
    new Map(
      problemsOfStep(engine).map((problem) => {
        const usual = engine.tuner.choiceWithoutMeasuring(problem).method
        return [problemName(problem), methodName(methodsToTry(engine.tuner.candidates(problem), usual).at(-1)!)]
      }),
    )

  test('times are kept, read and decide, but only where they may', async () => {
    const tuningStore = memoryStore()
    const warnings: string[] = []
    const onWarning = (message: string) => warnings.push(message)
    const cached = { tune: 'cached', tuningStore, onWarning } as const

    const { usual, wanted, gradient } = await withEngine(cached, async (engine) => {
      const usual = choices(engine)
      expect(usual.map(({ from }) => from)).not.toContain('measured')
      expect(usual.map(({ problem }) => problem)).toContain(
        'conv2d forward 6x6x4 -> 6x6x8, kernel 3x3, padding 1x1, batch 2',
      )
      expect(usual).toHaveLength(6)
      const gradient = await engine.scope(() => step(engine)).toArray()
      const wanted = lastTried(engine)
      const progress: number[] = []
      const problems = problemsOfStep(engine)
      for (const problem of problems) {
        const clock = clockOf((method) => (method === wanted.get(problemName(problem)) ? 1 : 1.5))
        const report = await measureProblems(engine.tuner, [problem], {
          clock,
          onProgress: ({ done }) => progress.push(done),
        })
        expect(report).toMatchObject({ interrupted: false, problems: [{ fresh: true, milliseconds: 1 }] })
      }
      expect(progress).toEqual(problems.flatMap(() => [0, 1]))
      expect(engine.tuner.wanted).toEqual([])
      return { usual, wanted, gradient }
    })
    expect([...tuningStore.texts.keys()]).toHaveLength(1)
    const expected = usual.map(({ problem }) => ({ problem, method: wanted.get(problem), from: 'measured' }))

    await withEngine(cached, async (engine) => {
      expect(choices(engine)).toEqual(expected)
      // with other methods, the same result within the rounding of F(4x4, 3x3): see conv2d-variants.test.ts
      const other = await engine.scope(() => step(engine)).toArray()
      expectClose(other, gradient, 4e-5, 'the gradient of the kernel')
      const report = await measureProblems(engine.tuner, problemsOfStep(engine), {
        clock: () => {
          throw new Error('everything was measured')
        },
      })
      expect(report.problems.map(({ fresh }) => fresh)).toEqual(usual.map(() => false))
      expect(report.place).toBe(`memory/${[...tuningStore.texts.keys()][0]!}`)
    })
    await withEngine({ ...cached, tune: 'full' }, (engine) => {
      expect(choices(engine)).toEqual(expected)
    })
    await withEngine({ ...cached, tune: 'off' }, (engine) => {
      expect(choices(engine)).toEqual(usual)
    })
    expect(warnings).toEqual([])

    for (const name of tuningStore.texts.keys()) tuningStore.texts.set(name, 'nonsense')
    await withEngine(cached, (engine) => {
      expect(choices(engine)).toEqual(usual)
    })
    expect(warnings).toEqual([expect.stringMatching(/measured times are ignored.*expected JSON/)])
  })

  test('an interruption keeps what was measured, and nothing is measured twice unless asked for', async () => {
    const tuningStore = memoryStore()
    await withEngine({ tune: 'cached', tuningStore }, async (engine) => {
      const problems = problemsOfStep(engine)
      const controller = new AbortController()
      const clock = clockOf(() => 1)
      const options = {
        clock,
        signal: controller.signal,
        onProgress: ({ done }: { done: number }) => {
          if (done === 1) controller.abort()
        },
      }
      const first = await measureProblems(engine.tuner, problems, options)
      expect(first.interrupted).toBe(true)
      expect(first.problems.filter(({ fresh }) => fresh)).toHaveLength(2) // the second had begun
      expect(first.problems.filter(({ milliseconds }) => milliseconds !== undefined)).toHaveLength(2)
      const second = await measureProblems(engine.tuner, problems, { clock })
      expect(second.problems.map(({ fresh }) => fresh)).toEqual([false, false, true, true, true, true])
      const third = await measureProblems(engine.tuner, problems, { clock, again: true })
      expect(third.problems.every(({ fresh }) => fresh)).toBe(true)
    })
  })
})

test('a mode that there is not is refused', async () => {
  const tune = 'always' as 'full'
  await expect(createEngine({ tune })).rejects.toThrow('tune: expected off, cached, full, got "always"')
})
