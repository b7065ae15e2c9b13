import type { Module } from '../nn/module.js'

/** What labels call a model itself, in the place of a path: it works between its layers too. */
export const wholeModel = '(model)'

/**
 * Lets a model and all modules below label what they record with their paths, such as `layer4.0.conv2`, until the returned
 * function is called. What runs as one has the label of the layer that does the work. The phase stays that of whoever runs the
 * model.
 */
export function labelModules(model: Module): () => void {
  const modules = model.namedModules()
  for (const [name, module] of modules) module.label = name === '' ? wholeModel : name
  return () => {
    for (const module of modules.values()) module.label = undefined
  }
}
