/** Updates of one large parameter, of many small ones, and of a network's. */
import type { Engine } from '../src/autograd/engine.js'
import { sum } from '../src/autograd/ops/index.js'
import type { Tensor } from '../src/autograd/tensor.js'
import { resnet50 } from '../src/models/index.js'
import { BatchNorm2d, type Module, Sequential } from '../src/nn/index.js'
import { adam, clipGradNorm, GradScaler, type Optimizer, sgd } from '../src/optim/index.js'
import { type BenchmarkCase, suite } from './support/case.js'
import { hashedTensor } from './support/values.js'

/** Makes a step, which may do more than the optimizer's update. */
type MakeStep = (optimizer: Optimizer, parameters: readonly Tensor[]) => () => void

const update: MakeStep = (optimizer) => () => {
  optimizer.step()
}
const clipAndUpdate: MakeStep = (optimizer, parameters) => () => {
  clipGradNorm(parameters, 1)
  optimizer.step()
}
const unscaleAndUpdate: MakeStep = (optimizer) => {
  const scaler = new GradScaler(optimizer)
  return () => {
    scaler.step()
    scaler.update()
  }
}

export default suite(
  'optimizer',
  // gradient, parameter and moments are read, all but the gradient written
  large('adam_large', 7, (parameters) => adam(parameters)),
  large('sgd_momentum_large', 5, (parameters) => sgd(parameters, { lr: 1e-3, momentum: 0.9 })),
  ofModule('adam_160_small', '160 of 256', batchNorms, [1, 2, 2, 256], 7, update),
  ofModule('adam_resnet50', '161 of ResNet-50', resnet, [2, 32, 32, 3], 7, update),
  // clipping reads the gradients for the norm, and scales them in place
  ofModule('adam_clip_resnet50', '161 of ResNet-50', resnet, [2, 32, 32, 3], 10, clipAndUpdate),
  // a scaler reads them once more
  ofModule('adam_scaled_resnet50', '161 of ResNet-50', resnet, [2, 32, 32, 3], 8, unscaleAndUpdate),
)

function large(name: string, passes: number, make: (parameters: Tensor[]) => Optimizer): BenchmarkCase {
  const shape = [2048, 2048]
  return {
    name,
    shape: '1 of 2048x2048',
    prepare(engine) {
      const parameter = hashedTensor(engine, shape)
      parameter.requiresGrad = true
      parameter.grad = hashedTensor(engine, shape, 2)
      const optimizer = make([parameter])
      return { run: () => optimizer.step(), bytes: passes * 4 * parameter.size }
    },
  }
}

/** Gradients come from a backward pass, as in training: only then do those of small parameters lie side by side. */
function ofModule(
  name: string,
  shape: string,
  create: (engine: Engine) => Module | Promise<Module>,
  inputShape: readonly number[],
  passes: number,
  makeStep: MakeStep,
): BenchmarkCase {
  return {
    name,
    shape,
    async prepare(engine) {
      const model = await create(engine)
      const parameters = model.parameters()
      const optimizer = adam(parameters)
      optimizer.prepare()
      engine.scope(() => {
        sum(model.call(hashedTensor(engine, inputShape))).backward()
      })
      const size = parameters.reduce((total, parameter) => total + parameter.size, 0)
      return {
        run: makeStep(optimizer, parameters),
        bytes: passes * 4 * size,
      }
    },
  }
}

function batchNorms(engine: Engine): Module {
  return new Sequential(
    engine,
    Array.from({ length: 80 }, () => new BatchNorm2d(engine, 256)),
  )
}

function resnet(engine: Engine): Promise<Module> {
  return resnet50(engine, { numClasses: 10 })
}
