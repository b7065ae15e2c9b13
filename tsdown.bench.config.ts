import { defineConfig } from 'tsdown'
import { wgslPlugin } from './tools/wgsl-plugin.js'

/** Every file in bench/ becomes a module of its own, because bench/run.ts finds the benchmarks by looking for files. */
export default defineConfig({
  entry: ['bench/*.ts', 'bench/isa/{run,compile}.ts', 'bench/peers/{daybreak,kit}.ts'],
  outDir: 'build/bench',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: false,
  fixedExtension: false,
  sourcemap: true,
  skipNodeModulesBundle: true,
  outputOptions: { chunkFileNames: 'shared/[name].js' },
  plugins: [wgslPlugin()],
})
