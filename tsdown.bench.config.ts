import { defineConfig } from 'tsdown'
import { wgslPlugin } from './tools/wgsl-plugin.js'

/**
 * Every file in bench/ becomes a module of its own, because the benchmarks are found by looking for files; so does what runs
 * in a process of its own, and what the peers' scripts import.
 */
export default defineConfig({
  entry: [
    'bench/*.ts',
    'bench/isa/{run,compile}.ts',
    'bench/peers/{daybreak,kit}.ts',
    'bench/scaling/measure-point.ts',
  ],
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
