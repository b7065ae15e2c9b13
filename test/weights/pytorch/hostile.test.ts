/** Files that nobody's training wrote: code, recursion, absurd sizes, lies about storages. */
import { describe, expect, test } from 'vitest'
import { bytesSource } from '../../../src/weights/byte-source.js'
import { openSource } from '../../../src/weights/files.js'
import {
  bytesOf,
  dict,
  floats,
  global,
  int,
  legacyFile,
  list,
  magic,
  type Part,
  pickle,
  type RawTensor,
  reduce,
  tensor,
  text,
  tuple,
  uint32,
  uint64,
  zipFile,
} from './raw.js'
import { failure, read } from './reading.js'

const formats: [string, (data: Uint8Array) => Uint8Array<ArrayBuffer>][] = [
  ['zip', zipFile],
  ['legacy', legacyFile],
]

describe.each(formats)('in the %s format', (_, file) => {
  test('a state dict is read', async () => {
    expect(await read(file(pickle(dict({ 'fc.bias': tensor() }))))).toEqual({ 'fc.bias': [1, 2] })
  })

  const shell = text('touch hacked')
  const attacks: [string, Part][] = [
    ['REDUCE of os.system', reduce(global('os', 'system'), shell)],
    ['REDUCE of posix.system', reduce(global('posix', 'system'), shell)],
    ['REDUCE of builtins.eval', reduce(global('builtins', 'eval'), text('1'))],
    ['REDUCE of subprocess.Popen', reduce(global('subprocess', 'Popen'), list(text('sh')))],
    ['STACK_GLOBAL', reduce([text('os'), text('system'), 0x93], shell)],
    ['INST', ['(', shell, 'ios\nsystem\n']],
    ['OBJ', ['(', global('os', 'system'), shell, 'o']],
    ['NEWOBJ', [global('os', 'system'), tuple(shell), 0x81]],
    ['NEWOBJ_EX', [global('os', 'system'), tuple(shell), '}', 0x92]],
    ['a call of what a call would give', reduce(reduce(global('builtins', 'getattr'), shell), shell)],
    ['BUILD on it', [reduce(global('os', 'system'), shell), dict({ __setstate__: shell }), 'b']],
  ]

  test.each(attacks)('%s is no state dict, and nothing is called', async (_name, attack) => {
    expect(await failure(file(pickle(attack)))).toMatch(
      /expected a state dict: a dict of tensors, found what (os|posix|builtins|subprocess)\.\w+ would make \(no code of/,
    )
  })

  test.each(attacks)('%s in the place of a tensor is refused', async (_name, attack) => {
    const data = pickle(dict({ 'fc.bias': tensor(), 'fc.weight': attack }))
    expect(await failure(file(data))).toMatch(/tensor "fc\.weight": expected a tensor of the ordinary, dense kind/)
  })

  test.each(attacks)('%s beside a state dict is left alone', async (_name, attack) => {
    const data = pickle(dict({ args: attack, state_dict: dict({ 'fc.bias': tensor() }), more: attack }))
    expect(await read(file(data))).toEqual({ 'fc.bias': [1, 2] })
  })

  test.each<[string, Part, RegExp]>([
    ['the extension registry', [0x82, 1], /the unknown operation 0x82/],
    ['buffers outside', 0x97, /the unknown operation 0x97/],
    ['another protocol', [0x80, 6], /protocol 6/],
    ['nothing on the stack', 'R', /an operation without its arguments/],
    ['no mark', ['}', 'u'], /an operation without a mark/],
    ['a value that was never remembered', ['h', 7], /no value with the number 7/],
    ['a key without a value', ['}(', text('a'), 'u'], /a key without a value/],
    ['entries for a list', [']', text('a'), text('b'), 's'], /entries for no dict/],
    ['items for a dict', ['}', text('a'), 'a'], /items for no list/],
    ['arguments that are no tuple', [global('a', 'b'), text('c'), 'R'], /whose arguments are no tuple/],
    ['a name that is no text', [int(1), int(2), 0x93], /a name that is no text/],
    ['an integer of a million digits', ['I', '9'.repeat(60_000), '\n'], /a number that is none/],
    ['an integer of a thousand bytes', [0x8b, uint32(1000), new Uint8Array(1000)], /an integer of 1000 bytes/],
    ['a line without end', ['c', 'a'.repeat(70_000)], /a line of more than 65536 bytes/],
    ['text that is none', ['X', uint32(2), '\xff\xfe'], /text that is not UTF-8/],
    ['text of 4 EiB', [0x8d, uint64(2n ** 62n), 'abc'], /truncated/],
    ['text of 4 GiB', ['X', uint32(0xffffffff), 'abc'], /truncated/],
    ['bytes of 8 EiB', [0x8e, uint64(-1n), 'abc'], /truncated/],
  ])('%s is refused', async (_name, part, message) => {
    expect(await failure(file(pickle(part)))).toMatch(message)
  })

  test('containers that contain themselves are no trap', async () => {
    const self: Part = ['}', 'q', 0, '(', text('state_dict'), ['h', 0], text('model'), ['h', 0], text('list')]
    const loop: Part = [...self, [']', 'q', 1, 'h', 1, 'a'], 'u']
    expect(await failure(file(pickle(loop)))).toMatch(/a dict with "state_dict", "model", "list"/)
    const withTensor = pickle(['}', 'q', 0, '(', text('state_dict'), ['h', 0], text('fc.bias'), tensor(), 'u'])
    expect(await read(file(withTensor))).toEqual({ 'fc.bias': [1, 2] })
  })

  test('a hundred thousand lists in each other, and a doubling one, take no time', async () => {
    const deep = pickle(dict({ a: [']'.repeat(100_000), 'a'.repeat(99_999)], 'fc.bias': tensor() }))
    expect(await read(file(deep))).toEqual({ 'fc.bias': [1, 2] })
    const laughs: Part[] = [']', 'q', 0]
    for (let i = 0; i < 200; i++) laughs.push('(', ['h', i], ['h', i], 't', ['q', i + 1])
    expect(await read(file(pickle(dict({ a: laughs, 'fc.bias': tensor() }))))).toEqual({ 'fc.bias': [1, 2] })
  })

  test('more operations than weights can need are refused', async () => {
    const busy = bytesOf(0x80, 2, new Uint8Array(4_100_000).fill('N'.charCodeAt(0)), '.')
    expect(await failure(file(busy))).toMatch(/more than 4000000 operations/)
  })

  test('names of JavaScript mean nothing', async () => {
    const names = ['__proto__', 'constructor', 'toString']
    const data = pickle(dict(Object.fromEntries(names.map((name) => [name, tensor()]))))
    const opened = await openSource(bytesSource(file(data), 'net.pth'))
    expect([...opened.tensors.keys()]).toEqual(names)
    expect(({} as Record<string, unknown>).shape).toBeUndefined()
  })

  test.each<[string, RawTensor, RegExp]>([
    ['more elements than its storage', { shape: [3] }, /elements within the 8 bytes of its storage, found .* byte 12/],
    ['an offset beyond it', { offset: 1 }, /within the 8 bytes/],
    ['a stride beyond it', { strides: [2] }, /within the 8 bytes/],
    ['a negative offset', { offset: -1 }, /expected an offset that is not negative/],
    ['a negative stride', { strides: [-1] }, /expected 1 strides, none negative/],
    ['a negative size', { shape: [-2] }, /expected a size of integers, none negative/],
    ['too few strides', { shape: [1, 2] }, /expected 2 strides/],
    ['an absurd size', { shape: [2n ** 60n] }, /a size of integers|within the 8 bytes/],
    ['sizes whose product is absurd', { shape: [2 ** 40, 2 ** 40], strides: [1, 1] }, /within the 8 bytes/],
    ['repetitions without end', { shape: [2 ** 50], strides: [0] }, /bytes in all tensors of a file of this size/],
    [
      'infinite repetitions',
      { shape: Array(40).fill(2 ** 50), strides: Array(40).fill(0) },
      /bytes in all tensors of a file of this size/,
    ],
    ['a storage that is not there', { key: '7' }, /the storage "7"|of a known type/],
    ['a storage outside of the archive', { key: '../../etc/passwd' }, /the storage "|of a known type/],
    ['a storage of another size', { length: 3, shape: [1] }, /expected a storage of 12 bytes, found 8/],
    ['a storage of a size that is absurd', { length: 2n ** 62n, shape: [1] }, /expected a storage/],
    ['a storage of no type', { storage: global('os', 'system') }, /a storage of the kind|of a known type/],
    ['a type that is not read', { storage: global('torch', 'ComplexFloatStorage') }, /a storage of the kind|truncated/],
    ['another class than a storage', { storage: text('FloatStorage') }, /expected a storage, |of a known type/],
    ['another function', { rebuild: global('torch._utils', '_rebuild_xla_tensor') }, /ordinary, dense kind/],
  ])('a tensor with %s is refused', async (_name, raw, message) => {
    expect(await failure(file(pickle(dict({ 'fc.bias': tensor(raw) }))))).toMatch(message)
  })

  test('a file that ends too early is refused, wherever', async () => {
    const whole = file(pickle(dict({ 'fc.bias': tensor() })))
    for (let length = 0; length < whole.length; length++) expect(await failure(whole.slice(0, length))).not.toBe('')
  })

  test('tensors under keys that are no names are refused', async () => {
    expect(await failure(file(pickle('}(', int(1), tensor(), 'u')))).toMatch(/tensors with names, found one under 1/)
  })

  test.each<[string, Part, RegExp]>([
    ['no dict', list(text('a')), /expected a state dict: a dict of tensors, found a list of 1/],
    ['an empty dict', dict({}), /found an empty dict/],
    ['no tensors', dict({ epoch: int(1), lr: text('x') }), /found a dict with "epoch", "lr"$/],
    ['None', 'N', /found None/],
  ])('%s is no state dict', async (_name, part, message) => {
    expect(await failure(file(pickle(part)))).toMatch(message)
  })
})

describe('the zip format', () => {
  const data = pickle(dict({ 'fc.bias': tensor() }))

  test('has one data.pkl', async () => {
    expect(await failure(zipFile(data, {}, { 'code/x.py': bytesOf('1') }))).toMatch(/TorchScript/)
    expect(await failure(zipFile(data, {}, { '../data.pkl': data }))).toMatch(/zip archive/)
    expect(await failure(zipFile(data, {}, { 'data.pkl/data.pkl': data }))).toMatch(/the storage "0", found none/)
  })

  test('is little-endian', async () => {
    expect(await failure(zipFile(data, undefined, { byteorder: bytesOf('big') }))).toMatch(/byte order "big"/)
    expect(await read(zipFile(data, undefined, { byteorder: bytesOf('little') }))).toEqual({ 'fc.bias': [1, 2] })
  })

  test('storages of bytes have tensors of any type', async () => {
    const untyped = (type: string): Part =>
      reduce(
        global('torch._utils', '_rebuild_tensor_v3'),
        [tuple(text('storage'), global('torch.storage', 'UntypedStorage'), text('0'), text('cpu'), int(8)), 'Q'],
        int(1),
        tuple(int(3)),
        tuple(int(2)),
        0x89,
        dict({}),
        global('torch', type),
      )
    const file = (type: string) =>
      zipFile(pickle(dict({ a: untyped(type) })), { 0: bytesOf(0, 0x38, 0, 0x40, 0, 0xc4, 0, 0) })
    expect(await read(file('float8_e4m3fn'))).toEqual({ a: [1, 2, -3] })
    expect(await read(file('uint8'))).toEqual({ a: [0x38, 0x40, 0xc4] })
    expect(await failure(file('float32'))).toMatch(/within the 8 bytes/)
    expect(await failure(file('bits16'))).toMatch(/expected a type of torch\.float64, .* torch\.bits16/)
  })
})

describe('the legacy format', () => {
  const data = pickle(dict({ a: tensor({ key: 'second' }), b: tensor({ key: 'first', length: 3, offset: 1 }) }))

  test('has its storages in the order of the keys', async () => {
    const file = legacyFile(data, { first: floats(1, 2, 3), second: floats(4, 5) })
    expect(await read(file)).toEqual({ a: [4, 5], b: [2, 3] })
  })

  test('has views on storages', async () => {
    const storage = tuple(
      text('storage'),
      global('torch', 'FloatStorage'),
      text('0'),
      text('cpu'),
      int(4),
      tuple(text('view'), int(1), int(2)),
    )
    const view = reduce(global('torch._utils', '_rebuild_tensor'), [storage, 'Q'], int(1), tuple(int(1)), tuple(int(1)))
    expect(await read(legacyFile(pickle(dict({ a: view })), { 0: floats(1, 2, 3, 4) }))).toEqual({ a: [3] })
  })

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['a pickle of anything else', pickle(dict({ a: int(1) })), /magic number, found a pickle of something else/],
    ['another version', bytesOf(pickle(magic), pickle(int(7)), pickle('N'), pickle('N'), pickle('N')), /1001 of the/],
    [
      'another byte order',
      bytesOf(pickle(magic), pickle(int(1001)), pickle(dict({ little_endian: 0x88 + 1 })), data, pickle(list())),
      /little-endian numbers/,
    ],
    ['a key twice', legacyWithKeys(text('0'), text('0')), /of a known type/],
    ['keys that are numbers', legacyWithKeys(int(0)), /of a known type, found the key 0/],
    ['no keys', legacyWithKeys(), /the storage "second", found none/],
  ])('%s is refused', async (_name, file, message) => {
    expect(await failure(file)).toMatch(message)
  })

  function legacyWithKeys(...keys: Part[]) {
    const system = dict({ little_endian: 0x88 })
    const saved = keys.length === 0 ? data : pickle(dict({ a: tensor() }))
    const head = bytesOf(pickle(magic), pickle(int(1001)), pickle(system), saved, pickle(list(...keys)))
    return bytesOf(head, uint64(2), floats(1, 2), uint64(2), floats(1, 2))
  }

  test('pickles longer than what is read first are read on', async () => {
    const long = pickle(dict({ note: text('x'.repeat(3_000_000)), a: tensor() }))
    expect(await read(legacyFile(long))).toEqual({ a: [1, 2] })
  })
})
