/** What is shown while a command works, on terminals and elsewhere. */
import { describe, expect, test } from 'vitest'
import { CountDisplay } from '../../src/cli/progress.js'

describe('the count of images', () => {
  const written = (isTTY: boolean) => {
    const texts: string[] = []
    const stream = { isTTY, write: (text: string) => texts.push(text) } as unknown as NodeJS.WriteStream
    const count = new CountDisplay(10, 'images', stream)
    count.clear()
    count.update(0)
    count.update(5)
    count.clear()
    count.clear()
    return texts
  }

  test('is a line of a terminal that is written over and taken away', () => {
    expect(written(true)).toEqual(['\r\x1b[K0/10 images', '\r\x1b[K5/10 images', '\r\x1b[K'])
  })

  test('is silent elsewhere, but for a line every now and then', () => {
    expect(written(false)).toEqual([])
  })
})
