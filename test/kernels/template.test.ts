/** The template loader is strict: what it cannot mean is an error that names the kernel, never text in the shader. */
import { describe, expect, test } from 'vitest'
import { KernelError } from '../../src/device/errors.js'
import { expandTemplate, type TemplateValues } from '../../src/kernels/template.js'

const expand = (text: string, values: Record<string, unknown> = {}) =>
  expandTemplate('test/kernel', text, values as TemplateValues)

describe('expandTemplate', () => {
  test('fills in numbers, strings and truth values, as often as they are named', () => {
    expect(expand('${a} ${b} ${a} ${c}', { a: 0, b: 'f32', c: false })).toBe('0 f32 0 false')
    expect(expand('no placeholder at all')).toBe('no placeholder at all')
  })

  test.each([
    [1, 'one'],
    [2, 'two'],
    [0, 'other'],
  ])('chooses the branch of mode %s', (mode, expected) => {
    const text = '#if ${one} one #elif ${two} two #else other #endif'
    expect(expand(text, { one: mode === 1, two: mode === 2 }).trim()).toBe(expected)
  })

  test('nests branches', () => {
    const text = '#if ${a} [ #if ${b} both #else a #endif ] #else none #endif'
    expect(expand(text, { a: true, b: true })).toContain('both')
    expect(expand(text, { a: true, b: false })).toMatch(/\[ +a +\]/)
    expect(expand(text, { a: false, b: true }).trim()).toBe('none')
  })

  test.each([
    ['a placeholder without a value', '${a}', {}, '${a} is undefined'],
    ['an undefined value', '${a}', { a: undefined }, '${a} is undefined'],
    ['NaN', '${a}', { a: NaN }, '${a} is NaN'],
    ['infinity', '${a}', { a: -Infinity }, '${a} is -Infinity'],
    ['an inherited property', '${toString}', {}, '${toString} is undefined'],
    ['a value that is used nowhere', '${a}', { a: 1, b: 2 }, 'no placeholder ${b}'],
    ['a condition without a value', '#if ${a} x #endif', {}, '${a} is undefined'],
    ['a missing #endif', '#if ${a} x', { a: true }, 'Mismatched #if/#endif'],
    ['an #endif too many', '#if ${a} x #endif #endif', { a: true }, '#endif'],
    ['an #else without #if', 'x #else y', {}, '#else'],
    ['an #elif after #else', '#if ${a} x #else y #elif ${a} z #endif', { a: true }, '#elif'],
    ['text between #if and its condition', '#if not ${a} x #endif', { a: true }, '#if'],
  ])('%s is an error', (_name, text, values, message) => {
    expect(() => expand(text, values)).toThrow(KernelError)
    expect(() => expand(text, values)).toThrow(message)
    expect(() => expand(text, values)).toThrow('test/kernel')
  })
})
