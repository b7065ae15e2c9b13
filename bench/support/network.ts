/** What benchmarks of whole networks share. */
import { crossEntropy } from '../../src/autograd/ops/cross-entropy.js'
import { type Shape, sizeOf } from '../../src/autograd/shape.js'
import { Conv2d, Linear, type Module } from '../../src/nn/index.js'
import { adam } from '../../src/optim/index.js'
import { PlannedStep, type StepInput } from '../../src/training/index.js'
import type { PreparedCase } from './case.js'
import { adamOptions } from './compared.js'
import { hashedValues } from './values.js'

/** Inference on images [N, H, W, C], recorded once and replayed as evaluations are. */
export function prepareForward(model: Module, input: Shape): PreparedCase {
  const { engine } = model.eval()
  const step = new PlannedStep({ model, step: (images) => engine.noGrad(() => model.call(images)) })
  const images = imagesOf(input)
  return { run: () => step.run(images), multiplyAdds: multiplyAddsOf(model, input).forward }
}

/**
 * A step of training on images [N, H, W, C], recorded once and replayed as the trainer does it: forward, loss, backward, Adam.
 * Label i is i modulo the classes.
 */
export function prepareTraining(model: Module, input: Shape, classes: number): PreparedCase {
  const multiplyAdds = multiplyAddsOf(model.eval(), input).training
  model.train()
  const optimizer = adam(model.trainableParameters(), adamOptions)
  optimizer.prepare()
  const step = new PlannedStep({
    model,
    optimizer,
    step(images, labels) {
      const loss = crossEntropy(model.call(images), labels)
      loss.backward()
      optimizer.step()
      optimizer.zeroGrad()
      return loss
    },
  })
  const images = imagesOf(input)
  const values = Int32Array.from({ length: input[0]! }, (_, i) => i % classes)
  const labels: StepInput = { values, shape: [values.length], dtype: 'i32' }
  return { run: () => step.run(images, labels), multiplyAdds }
}

function imagesOf(shape: Shape): StepInput {
  return { values: hashedValues(sizeOf(shape), 1), shape, dtype: 'f32' }
}

/**
 * The multiply-adds of a network's convolutions and linear layers: of the forward pass, and of a training step, which
 * counts three times what has trainable weights (forward, input gradient, weight gradient).
 */
export function multiplyAddsOf(model: Module, inputShape: Shape): { forward: number; training: number } {
  const { engine } = model
  const counted = { forward: 0, training: 0 }
  const removals = [...model.namedModules().values()].map((module) =>
    module.onForward((layer, _input, output) => {
      if (!(layer instanceof Conv2d || layer instanceof Linear)) return
      const outputs = layer instanceof Conv2d ? layer.outChannels : layer.outFeatures
      const multiplyAdds = (output.size * layer.weight.size) / outputs
      counted.forward += multiplyAdds
      counted.training += multiplyAdds * (layer.weight.requiresGrad ? 3 : 1)
    }),
  )
  // only shapes are computed
  engine.device.withoutRunning(() => {
    engine.noGrad(() => {
      engine.scope(() => {
        model.call(engine.empty(inputShape))
      })
    })
  })
  for (const remove of removals) remove()
  return counted
}
