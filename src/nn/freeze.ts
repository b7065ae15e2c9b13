/** Which modules `freeze` and `unfreeze` mean: paths in the module tree, and what comes before and after a path. */
import { OptionError } from '../device/errors.js'
import type { Module } from './module.js'

/** Freezes or unfreezes a module and all below. */
export function freezeBelow(module: Module, frozen: boolean): void {
  for (const below of module.namedModules().values()) below.setFrozen(frozen)
}

/** Freezes everything that comes before the module at `path`. */
export function freezeBefore(root: Module, path: string): void {
  const { parents, before } = split(root, path, 'until')
  for (const parent of parents) parent.setFrozen(true) // a module's own parameters come before its children
  for (const module of before) freezeBelow(module, true)
}

/** The module at `path` and those after it. */
export function modulesFrom(root: Module, path: string): Module[] {
  const { module, after } = split(root, path, 'from')
  return [module, ...after]
}

/** The module at a path such as `features.24`; `option` is what the error calls it. */
export function moduleAt(root: Module, path: string, option: string): Module {
  return split(root, path, option).module
}

interface Split {
  /** The modules that contain the named one. */
  readonly parents: Module[]
  readonly before: Module[]
  readonly module: Module
  readonly after: Module[]
}

function split(root: Module, path: string, option: string): Split {
  const parents: Module[] = []
  const before: Module[] = []
  const after: Module[] = []
  let module = root
  let prefix = ''
  for (const part of path.split('.')) {
    const children = [...module.children]
    const index = children.findIndex(([name]) => name === part)
    if (index < 0) {
      const names = children.map(([name]) => prefix + name).join(', ')
      const expected = names === '' ? `nothing below ${prefix.slice(0, -1) || module.typeName}` : `one of ${names}`
      throw new OptionError(option, expected, path)
    }
    parents.push(module)
    before.push(...children.slice(0, index).map(([, child]) => child))
    after.push(...children.slice(index + 1).map(([, child]) => child))
    module = children[index]![1]
    prefix += `${part}.`
  }
  return { parents, before, module, after }
}
