/** `daybreak convert`: a weights file of any format into safetensors or .npz, with torchvision's names and layouts. */
import { stat } from 'node:fs/promises'
import { Presets, SingleBar } from 'cli-progress'
import { createEngine } from '../autograd/engine.js'
import { formatBytes, OptionError } from '../device/errors.js'
import { fitTensors } from '../models/index.js'
import { renamed } from '../nn/rename.js'
import type { StoredArray } from '../nn/state-dict.js'
import { elementCount, openWeights, type WeightsFile, writeStateDict } from '../weights/index.js'

export interface ConvertCommandOptions {
  model?: string
  /** Each `old=new`. */
  rename: readonly string[]
  adapter?: string
}

export async function convertCommand(input: string, output: string, options: ConvertCommandOptions): Promise<void> {
  const rename = renameTable(options.rename)
  const opened = await openWeights(input)
  try {
    const named = renamed(opened.tensors, rename)
    const tensors = options.model === undefined ? named : await fitted(named, options.model, input, options.adapter)
    // PyTorch's readers want to know that these are tensors of theirs
    await withProgress(tensors, (watched) => writeStateDict(output, watched, { format: 'pt', ...opened.metadata }))
    const elements = [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0)
    const { size } = await stat(output)
    console.log(`${output}: ${tensors.size} tensors, ${elements.toLocaleString('en')} elements, ${formatBytes(size)}`)
    for (const remark of remarks(opened, output)) console.log(remark)
  } finally {
    await opened.close()
  }
}

/** The tensors of a network, if the file has exactly those; says which had another shape. */
async function fitted(
  named: ReadonlyMap<string, StoredArray>,
  model: string,
  input: string,
  adapter: string | undefined,
): Promise<ReadonlyMap<string, StoredArray>> {
  const engine = await createEngine({ adapter, tune: 'off' })
  try {
    const { tensors, report } = await fitTensors(engine, model, named, input)
    const { reshaped } = report
    for (const { name, from, to } of reshaped) console.log(`${name}: [${from.join(', ')}] becomes [${to.join(', ')}]`)
    return tensors
  } finally {
    engine.destroy()
  }
}

/** Calls `write` with tensors that move a bar when they are read. */
async function withProgress(
  tensors: ReadonlyMap<string, StoredArray>,
  write: (watched: ReadonlyMap<string, StoredArray>) => Promise<void>,
): Promise<void> {
  if (!process.stderr.isTTY) {
    await write(tensors)
    return
  }
  const format = '{bar} {percentage} %  {tensor}'
  const bar = new SingleBar({ format, hideCursor: true, stream: process.stderr }, Presets.shades_classic)
  const sizes = [...tensors.values()].map(({ shape }) => elementCount(shape))
  bar.start(
    sizes.reduce((sum, size) => sum + size, 0),
    0,
    { tensor: '' },
  )
  const watched = [...tensors].map(([tensor, stored]): [string, StoredArray] => [
    tensor,
    {
      ...stored,
      read: async () => {
        const array = await stored.read()
        bar.increment(elementCount(stored.shape), { tensor })
        return array
      },
    },
  ])
  await write(new Map(watched)).finally(() => bar.stop())
}

/** What the result does not show by itself. */
function remarks({ metadata, format }: WeightsFile, output: string): string[] {
  const kept = /\.npz$/i.test(output) ? '; .npz cannot say so, safetensors can' : ', as the file says'
  return [
    ...(metadata.resnet_stride === '1x1'
      ? [
          `This ${format} network is a ResNet v1: its stride is in the 1x1 convolutions, not in the 3x3 as in torchvision${kept}.`,
        ]
      : []),
    ...(metadata.image_mean === undefined
      ? []
      : [`It expects images normalised with mean ${metadata.image_mean} and deviation ${metadata.image_std}${kept}.`]),
    ...(metadata.batch_norm === 'folded'
      ? [
          'Its batch norms were folded into the convolutions; here they are identities, so freeze them when you fine-tune.',
        ]
      : []),
  ]
}

function renameTable(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new OptionError('rename', 'old=new, such as backbone.= or head.weight=fc.weight', pair)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}
