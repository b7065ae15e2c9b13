/** The README's example is the file in examples/, it is as short as promised, and it runs. */
import { readFileSync, rmSync } from 'node:fs'
import { describe, expect, test, vi } from 'vitest'

const example = readFileSync(new URL('../examples/finetune-mnist.ts', import.meta.url), 'utf8')
const code = example.replace(/^\/\*\*[\s\S]*?\*\/\n/, '')

describe("the README's example", () => {
  test('is the one in examples/', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    expect(readme).toContain(`\`\`\`ts\n${code}\`\`\``)
  })

  test('takes under 25 lines', () => {
    expect(code.trim().split('\n').length).toBeLessThan(25)
  })

  test('runs and prints an accuracy', { timeout: 600_000 }, async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    try {
      await import('../examples/finetune-mnist.js')
      const [accuracy] = log.mock.calls.at(-1) as [number]
      expect(accuracy).toBeGreaterThan(0)
      expect(accuracy).toBeLessThanOrEqual(1)
      expect(readFileSync('runs/digits.json', 'utf8')).toContain('daybreak-checkpoint')
    } finally {
      log.mockRestore()
      for (const extension of ['safetensors', 'optimizer.safetensors', 'json']) rmSync(`runs/digits.${extension}`)
    }
  })
})
