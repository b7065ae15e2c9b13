/** The small files that raw.py wrote. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (name: string) => readFileSync(new URL(name, import.meta.url))

const { generator, files } = JSON.parse(read('files.json').toString()) as {
  readonly generator: string
  readonly files: Readonly<Record<string, string>>
}

/** The bytes of a file. */
export function kerasFile(name: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(files[name]!, 'base64'))
}

/** Declares the test that the files are those of the present generator. */
export function testGenerator(): void {
  test('the files were made by the present generator', () => {
    const hash = createHash('sha256').update(read('raw.py')).digest('hex')
    expect(generator, 'run: /usr/bin/python3 test/weights/keras/raw.py').toBe(hash)
  })
}
