/** Where the weights are in what scripts save, and what is left alone. */
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import { rawZip, stored } from '../numpy/raw.js'
import {
  bytesOf,
  dict,
  floats,
  global,
  int,
  list,
  type Part,
  pickle,
  reduce,
  tensor,
  text,
  tuple,
  zipFile,
} from './raw.js'
import { failure, read } from './reading.js'

const storages = { 0: floats(1, 2), 1: floats(3, 4), 2: floats(5, 6) }
const saved = (part: Part) => zipFile(pickle(part), storages)
const weights = dict({ 'fc.bias': tensor() })
const others = (key: string) => dict({ 'fc.bias': tensor({ key }) })
const object = (name: string) => reduce(global('my.code', name))

describe('the weights', () => {
  test.each<[string, Part]>([
    ['under state_dict, before tensors beside it', dict({ best: tensor({ key: '1' }), state_dict: weights })],
    ['under state_dict rather than model', dict({ model: others('1'), state_dict: weights })],
    ['under model rather than its moving average', dict({ model_ema: others('1'), model: weights })],
    ['under keys in keys', dict({ net: dict({ module: dict({ state_dict: weights }) }) })],
    ['next to an object of a class of its own', dict({ model: object('Network'), state_dict: weights })],
    ['next to a dict without tensors', dict({ state_dict: dict({}), model: weights })],
    ['in an OrderedDict', [reduce(global('collections', 'OrderedDict')), text('fc.bias'), tensor(), 's']],
    [
      'in a defaultdict',
      [reduce(global('collections', 'defaultdict'), global('my.code', 'f')), text('fc.bias'), tensor(), 's'],
    ],
    [
      "in an OrderedDict of Python 2's",
      reduce(global('collections', 'OrderedDict'), list(list(text('fc.bias'), tensor()))),
    ],
    [
      'in one of pairs that are tuples',
      reduce(global('collections', 'OrderedDict'), list(tuple(text('fc.bias'), tensor()))),
    ],
  ])('are found %s', async (_name, part) => {
    expect(await read(saved(part))).toEqual({ 'fc.bias': [1, 2] })
  })

  test('are not looked for in deeper dicts', async () => {
    const deep = dict({ model: dict({ model: dict({ model: dict({ model: weights }) }) }) })
    expect(await failure(saved(deep))).toMatch(/found a dict with "model"$/)
  })

  test.each<[string, Part, RegExp]>([
    [
      'an object of an unknown class',
      dict({ state_dict: object('Dict') }),
      /whose "state_dict" is what my\.code\.Dict would/,
    ],
    [
      'an unknown class beside a tensor',
      dict({ state_dict: object('Dict'), best: tensor() }),
      /tensor "state_dict": .*my\.code/,
    ],
    ['a dict of dicts', dict({ encoder: weights, decoder: weights }), /found a dict with "encoder", "decoder"$/],
    ['a name to trouble terminals', object('\x1b[2J'), /what my\.code\.\?\[2J would make/],
    ['a name of any length', object('x'.repeat(5000)), /what my\.code\.x{192} would make/],
  ])('are not found in %s', async (_name, part, message) => {
    expect(await failure(saved(part))).toMatch(message)
  })

  test.each<[string, Part]>([
    ['a number', int(3)],
    ['None', 'N'],
    ['a text', text('resnet18')],
    ['a text of Python 2', ['U', 2, 'ab']],
    ['bytes of Python 2 that are no text', ['U', 2, 0xff, 0xfe]],
    ['a longer one', ['T', 2, 0, 0, 0, 0xff, 0xfe]],
    ['a list', list(tensor())],
    ['a dict', dict({ a: tensor() })],
    ['a type', global('torch', 'float16')],
    ['a Namespace', [global('argparse', 'Namespace'), ')', 0x81, dict({ lr: int(1) }), 'b']],
    ['a number of NumPy', reduce(global('numpy.core.multiarray', 'scalar'), object('dtype'), text('x'))],
    ['a size', reduce(global('torch', 'Size'), tuple(int(1)))],
  ])('have entries beside them: %s', async (_name, part) => {
    expect(await read(saved(dict({ 'fc.bias': tensor(), other: part })))).toEqual({ 'fc.bias': [1, 2] })
  })

  test("have modules' extra state beside them, whatever it is, unless it is a tensor", async () => {
    const state = {
      _extra_state: object('State'),
      'fc._extra_state': object('State'),
      'bn._extra_state': tensor({ key: '1' }),
    }
    expect(await read(saved(dict({ 'fc.bias': tensor(), ...state })))).toEqual({
      'fc.bias': [1, 2],
      'bn._extra_state': [3, 4],
    })
    const named = saved(dict({ 'fc.bias': tensor(), my_extra_state: object('State') }))
    expect(await failure(named)).toMatch(/tensor "my_extra_state": .* found what my\.code\.State would make/)
  })

  test('are those of the last entry where a name occurs twice, as in Python', async () => {
    const twice = pickle(
      '}(',
      text('a'),
      tensor(),
      text('b'),
      tensor({ key: '1' }),
      text('a'),
      tensor({ key: '2' }),
      'u',
    )
    const opened = await openSource(bytesSource(zipFile(twice, storages), 'net.pth'))
    expect([...opened.tensors.keys()]).toEqual(['a', 'b'])
    expect((await opened.tensors.get('a')!.read()).data).toEqual(Float32Array.of(5, 6))
  })
})

describe('a tensor', () => {
  const rebuild = (name: string) => global('torch._utils', name)
  const typed = (named: Part, ...state: Part[]) => {
    const place: Part = [tuple(text('storage'), global('torch', 'FloatStorage'), text('0'), text('cpu'), int(2)), 'Q']
    const parameters = tuple(place, int(0), tuple(int(2)), tuple(int(1)), 0x89, dict({}), ...state)
    return reduce(
      global('torch._tensor', '_rebuild_from_type_v2'),
      rebuild('_rebuild_tensor_v2'),
      named,
      parameters,
      dict({}),
    )
  }
  const parameter = (part: Part) => reduce(rebuild('_rebuild_parameter'), part, 0x88, dict({}))

  test.each<[string, Part]>([
    ['a parameter', parameter(tensor())],
    [
      'a parameter with attributes',
      reduce(rebuild('_rebuild_parameter_with_state'), tensor(), 0x88, dict({}), dict({})),
    ],
    ['an object of the class', [global('torch.nn.parameter', 'Parameter'), tuple(tensor(), 0x88), 0x81]],
    ['a tensor with attributes', typed(global('torch', 'Tensor'))],
    ['a parameter of one', parameter(typed(global('torch.nn.parameter', 'Parameter')))],
    ['a tensor with marks that say no', typed(global('torch', 'Tensor'), dict({ neg: 0x89, conj: 0x89 }))],
    ['one of an old function', tensor({ rebuild: rebuild('_rebuild_tensor') })],
    ['one of a GPU', tensor({ storage: global('torch.cuda', 'FloatStorage') })],
    ['wrapped four times', parameter(parameter(parameter(parameter(tensor()))))],
  ])('may be %s', async (_name, part) => {
    expect(await read(saved(dict({ w: part })))).toEqual({ w: [1, 2] })
  })

  test.each<[string, Part, RegExp]>([
    [
      'of a class of its own',
      typed(global('my.code', 'Quantised')),
      /dense kind, found one of the class my\.code\.Quantised/,
    ],
    [
      'that is negated',
      typed(global('torch', 'Tensor'), dict({ neg: 0x88 })),
      /neither negated nor conjugated, found the mark "neg"/,
    ],
    ['without data', reduce(rebuild('_rebuild_meta_tensor_no_storage')), /_rebuild_meta_tensor_no_storage would make/],
    ['of another function', dict({ a: tensor(), w: object('load') }), /expected tensors, or a dict of them/],
    [
      'wrapped in itself, as it were',
      parameter(parameter(parameter(parameter(parameter(tensor()))))),
      /ordinary, dense kind/,
    ],
    [
      'of bytes without a type',
      tensor({ storage: global('torch.storage', 'UntypedStorage'), length: 8 }),
      /a storage of a type/,
    ],
  ])('%s is refused', async (_name, part, message) => {
    expect(await failure(saved(dict({ w: part })))).toMatch(message)
  })
})

describe('files that torch.save did not write', () => {
  const empty = new Uint8Array()
  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    [
      'a pickle of a call',
      pickle(reduce(global('posix', 'system'), text('x'))),
      /magic number, found .*what posix\.system would/,
    ],
    ['a pickle of a dict', pickle(dict({ a: int(1) })), /found a pickle of something else: a dict of 1/],
    ['a long pickle', pickle(text('x'.repeat(1_100_000))), /found a pickle of something else: /],
    [
      'a tar archive',
      bytesOf('sys_info', new Uint8Array(249), 'ustar\0', new Uint8Array(249)),
      /found a tar archive; if PyTorch/,
    ],
    [
      'another archive',
      rawZip([stored('config.json', empty)]),
      /one data\.pkl, found 0 of them among 1 entries \("config\.json"/,
    ],
  ])('%s is refused', async (_name, bytes, message) => {
    expect(await failure(bytes)).toMatch(message)
  })
})
