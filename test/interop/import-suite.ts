/** Networks come from PyTorch in every format that is read, and compute what they computed there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Engine } from '../../src/autograd/engine.js'
import { createModel } from '../../src/models/index.js'
import { expectEqualModel, readExpected } from './expected.js'
import { runPython, whySkipped } from './python.js'

/** Software adapters take seconds for an image. */
const timeout = 600_000

/** Python packages that a format needs besides PyTorch. */
const packages: Readonly<Record<string, readonly string[]>> = { keras: ['h5py'] }

/**
 * Declares a test for each of the formats (see formats.py) that the network is to be loaded from. Their files are made
 * together, and each is deleted after its test: those of one call have to find room on the disk.
 *
 * @param loadAs the architecture to load them as, where the format makes another one of the network
 */
export function importSuite(
  holder: { readonly engine: Engine },
  architecture: string,
  formats: readonly string[],
  loadAs = architecture,
): void {
  const wanted = formats.map((format) => ({ format, skipped: whySkipped(packages[format]) }))
  const available = wanted.filter(({ skipped }) => skipped === undefined).map(({ format }) => format)

  describe(`${architecture} from PyTorch`, () => {
    let folder: string
    /** The written files, by format. */
    let files: Map<string, string>

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'daybreak-interop-'))
      const written = available.length === 0 ? [] : await runPython('generate.py', [architecture, folder, ...available])
      files = new Map(available.map((format, i) => [format, written[i]!]))
    }, timeout)
    afterAll(() => rm(folder, { recursive: true }))

    for (const { format, skipped } of wanted) {
      const title = `${format} gives the same weights and logits ${skipped ?? ''}`.trim()
      test.skipIf(skipped !== undefined)(
        title,
        async () => {
          const weights = files.get(format)!
          const expected = await readExpected(path.join(folder, format, 'expected.safetensors'))
          const model = await createModel(holder.engine, loadAs, { weights })
          try {
            expect(model.loadReport).toMatchObject({ missing: [], unexpected: [], fresh: [], numClasses: 1000 })
            await expectEqualModel(model, expected)
          } finally {
            model.dispose()
            await rm(path.join(folder, format), { recursive: true })
          }
        },
        timeout,
      )
    }
  })
}
