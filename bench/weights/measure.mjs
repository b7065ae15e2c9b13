/**
 * Time and peak memory of reading, converting and loading weights files, beside PyTorch on the same machine:
 *
 *   npm run build && node bench/weights/measure.mjs FOLDER [--repeat 5] [--json]
 *
 * FOLDER gets (or has) ResNet-50 and VGG16 as torchvision makes them with a fixed seed, as .pth (zip and legacy); the other
 * formats are converted from those. Every case runs in a process of its own, because peak memory is the process's; the
 * file's pages are in the system's cache. Prints medians. Debian's /usr/bin/python3 with torch and torchvision makes the
 * files; DAYBREAK_PYTHON may name another python3, with torch and safetensors, to compare with.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const script = fileURLToPath(import.meta.url)
const torchScript = path.join(path.dirname(script), 'torch_weights.py')
const systemPython = '/usr/bin/python3'
const python = process.env.DAYBREAK_PYTHON ?? systemPython

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    repeat: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    child: { type: 'boolean', default: false },
  },
})

/** What one process measures, in milliseconds. */
const cases = {
  async nothing() {
    await import('../../dist/index.mjs')
    return 0
  },
  async engine() {
    const { createEngine } = await import('../../dist/index.mjs')
    const engine = await createEngine()
    engine.destroy()
    return 0
  },
  async read(file) {
    return timed(() => readFile(file))
  },
  async tensors(file) {
    const { weights } = await import('../../dist/index.mjs')
    return timed(async () => {
      const opened = await weights.openWeights(file)
      for (const tensor of opened.tensors.values()) await tensor.read()
      await opened.close()
    })
  },
  async convert(file, output) {
    const { weights } = await import('../../dist/index.mjs')
    return timed(async () => {
      const opened = await weights.openWeights(file)
      await weights.writeStateDict(output, opened.tensors, opened.metadata)
      await opened.close()
    })
  },
  async load(file, model) {
    const { createEngine, models } = await import('../../dist/index.mjs')
    const engine = await createEngine()
    const milliseconds = await timed(async () => {
      await models.createModel(engine, model, { weights: file })
      await engine.device.idle()
    })
    engine.destroy()
    return milliseconds
  },
}

async function timed(run) {
  const start = performance.now()
  await run()
  return performance.now() - start
}

if (options.child) {
  const [name, ...words] = positionals
  const milliseconds = await cases[name](...words)
  console.log(JSON.stringify({ milliseconds, peak: process.resourceUsage().maxRSS * 1024 }))
} else {
  measureAll(path.resolve(positionals[0] ?? 'build/weights'))
}

function measureAll(folder) {
  mkdirSync(folder, { recursive: true })
  report('daybreak: imported, nothing read', () => node('nothing'))
  report('daybreak: engine opened, nothing read', () => node('engine'))
  report('torch: imported, nothing read', () => torch('nothing'))
  for (const model of ['resnet50', 'vgg16']) {
    const file = (extension) => path.join(folder, model + extension)
    makeFiles(model, file)
    console.log(`\n${model}: ${(statSync(file('.safetensors')).size / 1e6).toFixed(0)} MB`)
    report('fs.readFile of .safetensors', () => node('read', file('.safetensors')))
    for (const extension of ['.safetensors', '.pth', '.legacy.pth', '.npz']) {
      report(`daybreak: every tensor of ${extension}`, () => node('tensors', file(extension)))
      report(`daybreak: ${extension} to the GPU`, () => node('load', file(extension), model))
    }
    report('daybreak: .pth to .safetensors', () => node('convert', file('.pth'), file('.converted.safetensors')))
    report('torch.load of .pth', () => torch('load', file('.pth')))
    report('torch.load of .legacy.pth', () => torch('load', file('.legacy.pth')))
    report('safetensors.torch.load_file', () => torch('map_safetensors', file('.safetensors')))
    report('safetensors.torch.load_file, each cloned', () => torch('copy_safetensors', file('.safetensors')))
  }
}

function makeFiles(model, file) {
  if (!existsSync(file('.pth'))) {
    execFileSync(systemPython, [torchScript, 'make', model, file('.pth'), file('.legacy.pth')])
  }
  for (const extension of ['.safetensors', '.npz']) {
    if (!existsSync(file(extension))) node('convert', file('.pth'), file(extension))
  }
  for (const extension of ['.safetensors', '.npz', '.pth', '.legacy.pth']) readFileSync(file(extension)) // to the cache
}

function node(...words) {
  return resultOf(process.execPath, [script, '--child', ...words])
}

function torch(...words) {
  return resultOf(python, [torchScript, ...words])
}

function resultOf(program, words) {
  return JSON.parse(execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Runs a case several times and prints a line: the median time, the fastest and the slowest, and the peak of memory. */
function report(title, run) {
  let results
  try {
    results = Array.from({ length: Number(options.repeat) }, run)
  } catch (error) {
    console.log(
      `${title}: skipped, ${String(error.stderr ?? error)
        .trim()
        .split('\n')
        .at(-1)}`,
    )
    return
  }
  const times = results.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  const middle = Math.floor(results.length / 2)
  const row = {
    case: title,
    milliseconds: times[middle],
    fastest: times[0],
    slowest: times.at(-1),
    peak: results.map(({ peak }) => peak).sort((a, b) => a - b)[middle],
  }
  if (options.json) console.log(JSON.stringify(row))
  else {
    const [median, fastest, slowest] = [row.milliseconds, row.fastest, row.slowest].map((time) => time.toFixed(0))
    const memory = `${(row.peak / 1e6).toFixed(0)} MB`.padStart(8)
    console.log(`${title.padEnd(42)} ${median.padStart(6)} ms (${fastest} to ${slowest})`.padEnd(72) + memory)
  }
}
