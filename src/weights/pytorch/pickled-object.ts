/** Objects in pickles that are no state dicts, for error messages. */
import {
  calleeOf,
  describePickled,
  PersistentId,
  PickleCall,
  PickleDict,
  PickleGlobal,
  PickleTuple,
  type PickleValue,
  printable,
} from './values.js'

/** What a value is that should have been a state dict or a tensor, and what to do where it is a whole model. */
export function describeObject(value: PickleValue | undefined): string {
  const module = moduleClass(value)
  if (module === undefined) return describePickled(value)
  return `a whole object of the class ${printable(module)}; save its weights alone: torch.save(model.state_dict(), FILE)`
}

/** The class of a pickled `nn.Module`, whose attributes have a dict of modules. */
function moduleClass(value: PickleValue | undefined): string | undefined {
  if (!(value instanceof PickleCall && value.state instanceof PickleDict)) return undefined
  return value.state.entries.has('_modules') ? (calleeOf(value) ?? classOutside(value.callee)) : undefined
}

/** The legacy format refers to classes of modules as to something outside: ('module', class, file, its source code). */
function classOutside(callee: PickleValue): string {
  const id = callee instanceof PersistentId ? callee.id : undefined
  const named = id instanceof PickleTuple ? id.items[1] : undefined
  return named instanceof PickleGlobal ? named.path : 'of its own'
}
