import { defineConfig } from 'tsdown'
import packageJson from './package.json' with { type: 'json' }
import { wgslPlugin } from './tools/wgsl-plugin.js'

export default defineConfig([
  {
    entry: { index: 'src/index.ts', cli: 'src/cli/main.ts' },
    outDir: 'dist',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: Object.keys(packageJson.optionalDependencies), // dependencies are external anyway
    dts: true,
    sourcemap: true,
    plugins: [wgslPlugin()],
    inputOptions: { checks: { pluginTimings: false } },
  },
])
