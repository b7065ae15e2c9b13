/** `chain` and `Sequential`: which neighbours run as one pass over memory, and that nobody can tell but by the time. */
import { describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { add, relu } from '../../src/autograd/ops/index.js'
import type { Tensor } from '../../src/autograd/tensor.js'
import { ShapeError } from '../../src/device/errors.js'
import { bucketSize } from '../../src/device/pool.js'
import { summary } from '../../src/models/index.js'
import {
  BatchNorm2d,
  chain,
  Conv2d,
  Identity,
  Linear,
  MaxPool2d,
  Module,
  ReLU,
  residual,
  Sequential,
} from '../../src/nn/index.js'
import { FusedConv2d } from '../../src/nn/fused-conv2d.js'
import { expectClose, testValues } from '../support/compare.js'
import { useEngine } from '../support/engine.js'

const holder = useEngine()
const shape = [2, 6, 5, 8]

/** A residual block, with all kinds of layers that a chain knows. */
class Block extends Module {
  readonly conv1: Conv2d
  readonly bn1: BatchNorm2d
  readonly conv2: Conv2d
  readonly bn2: BatchNorm2d
  readonly relu: ReLU

  constructor(
    engine: Engine,
    readonly downsample?: Module,
  ) {
    super(engine)
    this.conv1 = new Conv2d(engine, 8, 8, 3, { padding: 1, bias: false })
    this.bn1 = new BatchNorm2d(engine, 8)
    this.conv2 = new Conv2d(engine, 8, 8, 1)
    this.bn2 = new BatchNorm2d(engine, 8)
    this.relu = new ReLU(engine)
  }

  override forward(input: Tensor): Tensor {
    const first = [this.conv1, this.bn1, this.relu]
    const second = [this.conv2, this.bn2]
    return chain(input, ...first, ...second, residual(input, this.downsample), this.relu)
  }
}

function block(): Block {
  const { engine } = holder
  const made = new Block(engine, new Sequential(engine, [new Conv2d(engine, 8, 8, 1), new BatchNorm2d(engine, 8)]))
  engine.noGrad(() => {
    for (const [i, [name, buffer]] of [...made.namedBuffers()].entries()) {
      buffer.set(testValues(8, i + 3).map((value) => (name.endsWith('var') ? value + 1.5 : value)))
    }
  })
  return made
}

const image = (requiresGrad = false) => holder.engine.tensor(testValues(480, 1), shape, { requiresGrad })

/** The kernels that are no products of matrices, and no copies of weights in other forms. */
function passesOf(body: () => unknown): string[] {
  const dispatch = vi.spyOn(holder.engine.device, 'dispatch')
  try {
    holder.engine.scope(() => void body())
    const names = dispatch.mock.calls.map(([program]) => program.name.replace('batch-norm-2d/', ''))
    return names.filter((name) => !/^(matmul|conv2d|fold)/.test(name))
  } finally {
    dispatch.mockRestore()
  }
}

const training = ['moments-partial', 'moments-merge', 'normalize']
const inEvaluation = <M extends Module>(module: M): M => module.eval()
const frozen = <M extends Module>(module: M): M => module.freeze()
const withoutGradients = (body: () => unknown) => () => holder.engine.noGrad(body)

describe('a residual block passes memory', () => {
  test('three times for each batch norm in training', () => {
    const made = block()
    expect(passesOf(() => made.call(image()))).toEqual([...training, ...training, ...training])
  })

  test('in its convolutions only, in evaluation without gradients', () => {
    const made = inEvaluation(block())
    expect(passesOf(withoutGradients(() => made.call(image())))).toEqual([])
  })

  test('once for each batch norm in evaluation, where its parameters may have gradients', () => {
    const made = inEvaluation(block())
    expect(passesOf(() => made.call(image()))).toEqual(['normalize', 'normalize', 'normalize'])
  })

  test.each([false, true])(
    'in its convolutions only when it is frozen, even in training (gradients: %s)',
    (requiresGrad) => {
      const made = frozen(block())
      expect(passesOf(() => made.call(image(requiresGrad)))).toEqual([])
    },
  )

  test('one by one where somebody looks at all modules', () => {
    const made = inEvaluation(block())
    for (const module of made.namedModules().values()) module.onForward(() => undefined)
    const relus = ['relu/forward', 'binary/binary', 'relu/forward']
    expect(passesOf(withoutGradients(() => made.call(image())))).toEqual([
      'normalize',
      relus[0],
      'normalize',
      'normalize',
      ...relus.slice(1),
    ])
  })

  test('one by one only around the module that somebody looks at', () => {
    const made = block()
    const remove = made.bn1.onForward(() => undefined)
    expect(passesOf(() => made.call(image()))).toEqual([...training, 'relu/forward', ...training, ...training])
    remove()
    expect(passesOf(() => made.call(image()))).not.toContain('relu/forward')
  })
})

test.each([
  ['training', (made: Block) => made],
  ['evaluation', inEvaluation],
  ['frozen', frozen],
] as const)('hooks see what the modules would give one by one, and change nothing: %s', async (mode, prepare) => {
  const { engine } = holder
  const [fused, hooked] = [prepare(block()), prepare(block())]
  hooked.loadStateDict(await fused.stateDict())
  const seen: string[] = []
  const inputsOfRelu: Promise<ArrayLike<number>>[] = []
  for (const [name, module] of hooked.namedModules()) {
    module.onForward((_module, input, output) => {
      seen.push(name)
      if (name === 'relu') inputsOfRelu.push(input.toArray())
      expect(output.shape).toEqual(shape)
    })
  }
  const [input, sameInput] = [image(true), image(true)]
  const output = fused.call(input)
  const expected = hooked.call(sameInput)
  const tail = ['conv2', 'bn2', 'downsample.0', 'downsample.1', 'downsample', 'relu', '']
  expect(seen).toEqual(['conv1', 'bn1', 'relu', ...tail])
  const sum = await inputsOfRelu.at(-1)!
  expect(Math.min(...Array.from(sum))).toBeLessThan(0)
  expect(Array.from(sum, (value) => Math.max(value, 0))).toEqual([...(await expected.toArray())])
  // a batch norm that its convolution applies rounds otherwise: a few units in the last place
  expectClose(await output.toArray(), await expected.toArray(), mode === 'frozen' ? 1e-6 : 0, 'output')
  const gradient = engine.tensor(testValues(480, 5), shape)
  for (const each of [output, expected]) each.backward({ gradient })
  expectClose(await input.grad!.toArray(), await sameInput.grad!.toArray(), mode === 'frozen' ? 2e-6 : 0, 'gradient')
  const others = hooked.namedParameters()
  for (const [name, { grad }] of fused.namedParameters()) {
    if (mode === 'frozen') expect(grad, name).toBeUndefined()
    else expect(await grad!.toArray(), name).toEqual(await others.get(name)!.grad!.toArray())
  }
  const state = await hooked.stateDict()
  for (const [name, { data }] of await fused.stateDict()) expect(data, name).toEqual(state.get(name)!.data)
})

test('evaluation without gradients gives what it gives with gradients', async () => {
  const { engine } = holder
  const made = inEvaluation(block())
  const expected = await made.call(image()).toArray()
  for (let i = 0; i < 2; i++) {
    // the mean goes into the summand: a few units in the last place
    expectClose(await engine.noGrad(() => made.call(image())).toArray(), expected, 1e-6, `run ${i}`)
  }
  engine.noGrad(() => made.bn2.runningVar.set(testValues(8, 50).map((value) => value + 3)))
  const changed = await made.call(image()).toArray()
  expect(changed).not.toEqual(expected)
  expectClose(await engine.noGrad(() => made.call(image())).toArray(), changed, 1e-6, 'with other statistics')
})

describe('what else runs as one', () => {
  const run = (modules: readonly Module[], input = image()) =>
    passesOf(() => new Sequential(holder.engine, modules).call(input))

  test('convolution and ReLU, with gradients too', () => {
    const { engine } = holder
    const modules = [new Conv2d(engine, 8, 8, 3), new ReLU(engine), new MaxPool2d(engine, 2), new ReLU(engine)]
    expect(run(modules)).toEqual(['max-pool-2d/forward', 'relu/forward'])
    expect(run(modules.slice(0, 2))).toEqual([])
    const input = image(true)
    const output = chain(input, ...modules.slice(0, 2))
    expect(output.node!.operation).toBe('conv2d')
    expect(output.node!.edges.map((edge) => edge.input)).toEqual(['input', 'weight', 'bias'])
  })

  test('ReLU and max pool, which leaves nothing to the ReLU in the backward pass either', async () => {
    const { engine } = holder
    const relu = new ReLU(engine)
    const pool = new MaxPool2d(engine, 2)
    const input = image(true)
    const expectedInput = image(true)
    const output = chain(input, relu, new Identity(engine), pool)
    const expected = pool.call(relu.call(expectedInput))
    expect(await output.toArray()).toEqual(await expected.toArray())
    const gradient = engine.tensor(testValues(output.size, 5), output.shape)
    expect(passesOf(() => output.backward({ gradient }))).toEqual(['max-pool-2d/backward-apart'])
    expected.backward({ gradient })
    expect(await input.grad!.toArray()).toEqual(await expectedInput.grad!.toArray())
  })

  test('not a ReLU and a max pool whose windows may have no input, nor one that somebody looks at', () => {
    const { engine } = holder
    const dilated = new MaxPool2d(engine, 2, { dilation: 2 })
    expect(run([new ReLU(engine), dilated])).toEqual(['relu/forward', 'max-pool-2d/forward'])
    const seen = new MaxPool2d(engine, 2)
    seen.onForward(() => undefined)
    expect(run([new Conv2d(engine, 8, 8, 3), new ReLU(engine), seen])).toEqual(['max-pool-2d/forward'])
    const watched = new ReLU(engine)
    watched.onForward(() => undefined)
    expect(run([watched, new MaxPool2d(engine, 2)])).toEqual(['relu/forward', 'max-pool-2d/forward'])
  })

  test('linear layer and ReLU', () => {
    const { engine } = holder
    expect(run([new Linear(engine, 8, 3), new ReLU(engine), new Linear(engine, 3, 2)])).toEqual([])
  })

  test('a convolution that has a batch norm folded in, past the place of the batch norm', () => {
    const { engine } = holder
    const folded = new FusedConv2d(engine, 8, 8, 1)
    expect(passesOf(() => chain(image(), folded, new Identity(engine), residual(image()), new ReLU(engine)))).toEqual(
      [],
    )
  })

  test('nothing that has a forward of its own', () => {
    const { engine } = holder
    class LeakyReLU extends ReLU {
      override forward(input: Tensor): Tensor {
        return relu(add(input, 1))
      }
    }
    class CountedNorm extends BatchNorm2d {
      override call(input: Tensor): Tensor {
        return super.call(input)
      }
    }
    expect(run([new Conv2d(engine, 8, 8, 1), new LeakyReLU(engine)])).toEqual(['binary/scalar', 'relu/forward'])
    expect(run([new CountedNorm(engine, 8), new ReLU(engine)])).toEqual([...training, 'relu/forward'])
  })

  test('not a batch norm in front of a convolution, nor two ReLUs, nor a ReLU in front of a residual', () => {
    const { engine } = holder
    const norm = inEvaluation(new BatchNorm2d(engine, 8))
    const conv = new Conv2d(engine, 8, 8, 1)
    expect(passesOf(withoutGradients(() => chain(image(), norm, conv)))).toEqual(['normalize'])
    expect(passesOf(() => chain(image(), conv, new ReLU(engine), new ReLU(engine)))).toEqual(['relu/forward'])
    expect(passesOf(() => chain(image(), conv, new ReLU(engine), residual(image())))).toEqual(['binary/binary'])
  })
})

describe('a residual', () => {
  test('is added where no layer can take it', async () => {
    const { engine } = holder
    const output = engine.scope(() => chain(engine.tensor([1, -2]), residual(engine.tensor([3, 1])), new ReLU(engine)))
    expect([...(await output.toArray())]).toEqual([4, 0])
  })

  test.each(['alone', 'with a convolution', 'with a batch norm'])('of another shape is refused, %s', (where) => {
    const { engine } = holder
    const conv = where === 'with a convolution' ? [new Conv2d(engine, 8, 8, 1)] : []
    const norm = where === 'with a batch norm' ? [new BatchNorm2d(engine, 8)] : []
    expect(() => chain(image(), ...conv, ...norm, residual(engine.zeros([8])))).toThrow(ShapeError)
  })

  test('gives the memory of its downsampled form back at once, and its gradient to both ways', async () => {
    const { engine } = holder
    const size = bucketSize(4_000_000)
    const input = engine.zeros([1, 1000, 1000, 1])
    const most: number[] = []
    const before = engine.memory().inUse
    const last = new Identity(engine)
    last.onForward(() => most.push(engine.memory().inUse - before))
    engine.noGrad(() => engine.scope(() => chain(input, new ReLU(engine), residual(input, new ReLU(engine)), last)))
    expect(most).toEqual([size])
    const leaf = engine.tensor([1, -2], [2], { requiresGrad: true })
    chain(leaf, new ReLU(engine), residual(leaf)).backward({ gradient: engine.ones([2]) })
    expect([...(await leaf.grad!.toArray())]).toEqual([2, 1])
  })
})

test('a summary lists modules one by one, in the order in which they run one by one', () => {
  const { engine } = holder
  class Wrapper extends Module {
    readonly body = block()
    override forward(input: Tensor): Tensor {
      return this.body.call(input)
    }
  }
  const rows = summary(new Wrapper(engine), shape).match(/\w+-\d+/g)
  const layers = ['Conv2d', 'BatchNorm2d', 'ReLU', 'Conv2d', 'BatchNorm2d', 'Conv2d', 'BatchNorm2d', 'ReLU', 'Block']
  expect(rows).toEqual(layers.map((layer, i) => `${layer}-${i + 1}`))
})

test('batch norms count their batches, and take their turn in the plain average of all', async () => {
  const { engine } = holder
  const [one, other] = [new BatchNorm2d(engine, 8, { momentum: null }), new BatchNorm2d(engine, 8, { momentum: null })]
  for (let i = 0; i < 3; i++) {
    engine.scope(() => {
      chain(image(), one, new ReLU(engine))
      other.call(image())
    })
  }
  expect(one.numBatchesTracked).toBe(3)
  expect(await one.runningVar.toArray()).toEqual(await other.runningVar.toArray())
})
