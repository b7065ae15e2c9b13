import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { open, refusal, six } from './archives.js'
import { joined, npyText, rawNpy } from './raw.js'

describe('a lying NPY header', () => {
  it.each([
    ['code', "__import__('os').system('true')"],
    ['code in place of a value', npyText("__import__('os').system('true')", '(6,)')],
    ['code in place of a shape', npyText("'<i2'", "(open('x'),)")],
    ['a call', npyText("str('<i2')", '(6,)')],
    ['an expression', npyText("'<i2'", '(2*3,)')],
    ['text of two parts', npyText("'<' 'i2'", '(6,)')],
    ['a backslash', npyText("'\\x3ci2'", '(6,)')],
    ['a list for a shape', npyText("'<i2'", '[6]')],
    ['a number for a shape', npyText("'<i2'", '6')],
    ['a number in brackets for a shape', npyText("'<i2'", '(6)')],
    ['a comma for a shape', npyText("'<i2'", '(,)')],
    ['commas in a shape', npyText("'<i2'", '(6,,)')],
    ['text for a shape', npyText("'<i2'", "'(6,)'")],
    ['a negative size', npyText("'<i2'", '(-6,)')],
    ['two negative sizes', npyText("'<i2'", '(-2, -3)')],
    ['a size that is no integer', npyText("'<i2'", '(6.0,)')],
    ['a size with an exponent', npyText("'<i2'", '(6e0,)')],
    ['a size in octal', npyText("'<i2'", '(06,)')],
    ['a nested shape', npyText("'<i2'", '((6,),)')],
    ['truth for a size', npyText("'<i2'", '(True,)')],
    ['a number for fortran_order', npyText("'<i2'", '(6,)', '0')],
    ['text for fortran_order', npyText("'<i2'", '(6,)', "'False'")],
    ['no descr', "{'fortran_order': False, 'shape': (6,), }"],
    ['no fortran_order', "{'descr': '<i2', 'shape': (6,), }"],
    ['no shape', "{'descr': '<i2', 'fortran_order': False, }"],
    ['a field more', "{'descr': '<i2', 'fortran_order': False, 'shape': (6,), 'x': True, }"],
    ['a field twice', "{'descr': '<i2', 'fortran_order': False, 'shape': (6,), 'shape': (6,), }"],
    ['__proto__', "{'descr': '<i2', 'fortran_order': False, '__proto__': (6,), }"],
    ['no comma', "{'descr': '<i2' 'fortran_order': False, 'shape': (6,), }"],
    ['two commas', "{'descr': '<i2',, 'fortran_order': False, 'shape': (6,), }"],
    ['an open brace', "{'descr': '<i2', 'fortran_order': False, 'shape': (6,), "],
    ['text behind it', `${npyText("'<i2'", '(6,)')}; import os`],
    ['two dicts', npyText("'<i2'", '(6,)').repeat(2)],
    ['a comment', npyText("'<i2'", '(6,) # six')],
    ['brackets by the thousand', npyText("'<i2'", `${'('.repeat(20_000)}6,${')'.repeat(20_000)}`)],
    ['spaces by the thousand', `{${' '.repeat(60_000)}x}`],
    ['an empty dict', '{}'],
  ])('with %s is refused', async (_, header) => {
    expect(await refusal(rawNpy(header, six))).toMatch(
      /expected a header such as {'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), }, found "/,
    )
  })

  it.each([
    ['|O', /found "\|O", Python objects as a pickle, which could run code and is never loaded/],
    ['|V2', /found "\|V2", bytes without a type, as NumPy saves bfloat16; save it as float32/],
    ['<U5', /found "<U5", text/],
    ['|S5', /found "\|S5", text/],
    ['<c8', /type of f2, f4, .*, b1, found "<c8"/],
    ['<u4', /found "<u4"/],
    ['<u8', /found "<u8"/],
    ['<f16', /found "<f16"/],
    ['<M8[ns]', /found "<M8\[ns\]"/],
    ['|f4', /found "\|f4"/],
    ['=f4', /found "=f4"/],
    ['f4', /found "f4"/],
    ['<f', /found "<f"/],
    ['', /found ""/],
    ['<toString', /found "<toString"/],
    [`<f4${' '.repeat(5000)}`, /found "<f4 {57}"$/],
  ])('with the type %.40s is refused', async (descr, message) => {
    expect(await refusal(rawNpy(npyText(`'${descr}'`, '(6,)'), six))).toMatch(message)
  })

  it('with records is refused', async () => {
    const header = npyText("[('x', '<i2'), ('y', '<i2')]", '(3,)')
    expect(await refusal(rawNpy(header, six))).toMatch(/elements that are numbers, found records of several fields/)
  })

  it.each([
    ['(7,)', /14 bytes for int16 \[7\], found 12 behind the header/],
    ['(5,)', /10 bytes for int16 \[5\], found 12 behind/],
    ['()', /2 bytes for int16 \[\], found 12 behind/],
    ['(0,)', /0 bytes for int16 \[0\], found 12 behind/],
    ['(4503599627370495,)', /9007199254740990 bytes for int16/],
    ['(4503599627370496,)', /a shape whose size in bytes is below 2\^53, found \[4503599627370496\]/],
    ['(99999999999999999999,)', /below 2\^53/],
    [`(${'9'.repeat(400)},)`, /below 2\^53, found \[Infinity\]/],
    ['(2147483648, 2147483648)', /below 2\^53/],
    ['(1099511627776, 1099511627776, 0)', /below 2\^53/],
    [`(${'1, '.repeat(5000)})`, /2 bytes for int16 \[1, 1, /],
  ])('with the shape %.40s, which its data has not, is refused', async (shape, message) => {
    const found = await refusal(rawNpy(npyText("'<i2'", shape), six))
    expect(found).toMatch(message)
    expect(found.length).toBeLessThan(400)
  })

  it('is refused before its data is unpacked', async () => {
    // an array of 1 MB by its header, whose compressed data would need no memory until it is read
    const npy = joined([rawNpy(npyText("'|u1'", '(1000000,)')), new Uint8Array(999_999)])
    const packed = deflateRawSync(npy)
    const entry = { name: 't.npy', bytes: packed, method: 8, size: npy.length }
    await expect(open([entry])).rejects.toThrow(/1000000 bytes for uint8 \[1000000\], found 999999 behind the header/)
  })
})
