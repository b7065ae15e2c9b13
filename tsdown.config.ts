import { defineConfig } from 'tsdown'
import { wgslPlugin } from './tools/wgsl-plugin.js'

export default defineConfig([
  {
    entry: { index: 'src/index.ts', cli: 'src/cli/main.ts' },
    outDir: 'dist',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    dts: true,
    sourcemap: true,
    plugins: [wgslPlugin()],
    inputOptions: { checks: { pluginTimings: false } },
  },
])
