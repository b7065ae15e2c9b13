/**
 * The build plugin that makes `import source from './kernel.wgsl'` give the file's text.
 * `#include "common/file.wgsl"` lines (paths relative to shaders/) are replaced at build time, so that
 * no file system is needed when the engine runs: the same bundle works in Node and in a browser.
 * Used by tsdown (the package, the benchmarks) and by vitest.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const shaders = fileURLToPath(new URL('../shaders/', import.meta.url))
const includeLine = /^[ \t]*#include[ \t]+"([^"\n]+)"[ \t]*$/gm

/** The text of a WGSL file with every include replaced, each included file at most once. */
export function readShader(file: string, onRead: (file: string) => void, seen = new Set<string>()): string {
  onRead(file)
  seen.add(file)
  return readFileSync(file, 'utf8').replace(includeLine, (_line, name: string) => {
    const included = path.join(shaders, name)
    return seen.has(included) ? '' : readShader(included, onRead, seen)
  })
}

interface LoadContext {
  addWatchFile(file: string): void
}

export function wgslPlugin() {
  return {
    name: 'wgsl',
    enforce: 'pre' as const,
    load(this: LoadContext, id: string) {
      const file = id.split('?')[0]!
      if (!file.endsWith('.wgsl')) return null
      const text = readShader(file, (read) => {
        this.addWatchFile(read)
      })
      return { code: `export default ${JSON.stringify(text)}`, moduleType: 'js' as const, map: null }
    },
  }
}
