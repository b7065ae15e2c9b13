import type { DispatchLabel } from '../device/label.js'
import type { Module } from '../nn/module.js'

/** What labels call a model itself, in the place of a path: it works between its layers too. */
export const wholeModel = '(model)'

/**
 * Lets a model and all modules below label what they record with their paths, such as `layer4.0.conv2`, until the returned
 * function is called. The phase stays that of whoever runs the model.
 */
export function labelModules(model: Module): () => void {
  const { device } = model.engine
  const outside: DispatchLabel[] = []
  const removals = [...model.namedModules()].flatMap(([name, module]) => [
    module.beforeForward(() => {
      outside.push(device.label)
      device.label = { ...device.label, module: name === '' ? wholeModel : name }
    }),
    module.onForward(() => {
      device.label = outside.pop() ?? device.label
    }),
  ])
  return () => {
    for (const remove of removals) remove()
  }
}
