/** What benchmarks of whole networks share. */
import { Conv2d, Linear, type Module } from '../../src/nn/index.js'
import type { Shape } from '../../src/autograd/shape.js'

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
