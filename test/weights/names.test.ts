import { expect, test } from 'vitest'
import { withoutWrapperPrefixes } from '../../src/weights/names.js'

const stripped = (...names: string[]) => [
  ...withoutWrapperPrefixes(new Map(names.map((name, i) => [name, i]))).entries(),
]

test.each([
  ['DataParallel', ['module.conv1.weight', 'module.fc.bias'], ['conv1.weight', 'fc.bias']],
  ['torch.compile', ['_orig_mod.conv1.weight', '_orig_mod.fc.bias'], ['conv1.weight', 'fc.bias']],
  ['both', ['module._orig_mod.conv1.weight'], ['conv1.weight']],
  ['both, the other way round', ['_orig_mod.module.conv1.weight'], ['conv1.weight']],
  ['some names only', ['module.conv1.weight', 'fc.bias'], ['module.conv1.weight', 'fc.bias']],
  ['another prefix', ['modules.conv1.weight'], ['modules.conv1.weight']],
  ['no names', [], []],
])('the prefixes of %s', (_, names, expected) => {
  expect(stripped(...names)).toEqual(expected.map((name, i) => [name, i]))
})
