import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { wgslPlugin } from './tools/wgsl-plugin.js'

export default defineConfig({
  plugins: [wgslPlugin()],
  resolve: { alias: { daybreak: fileURLToPath(new URL('src/index.ts', import.meta.url)) } }, // as users import it
  test: {
    include: ['test/**/*.test.ts'],
    env: { DAYBREAK_TUNE: 'off' }, // what this machine's user has measured decides nothing here
    pool: 'forks', // Dawn lives in the process, and worker threads cannot set the driver's environment
    maxWorkers: 2,
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
