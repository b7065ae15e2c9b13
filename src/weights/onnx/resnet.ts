/** ResNets as ONNX graphs -> torchvision's names (https://github.com/pytorch/vision/blob/main/torchvision/models/resnet.py). */
import { type Convolution, convolutionOf, type Linear, readConvolution, readLinear, readMaxPool } from './layers.js'
import type { OnnxNode } from './model.js'
import { Recognised } from './recognised.js'
import { describeNode, flattening, outputOf, unchanging, type Walk } from './walk.js'

interface Block {
  /** Two convolutions, or three in a bottleneck. */
  readonly main: readonly Convolution[]
  readonly shortcut: Convolution | undefined
  readonly output: string
}

/** Kernels of the convolutions of a block, by their number. */
const kernels: Readonly<Record<number, string>> = { 2: '3, 3', 3: '1, 3, 1' }
const stages = 4
const preActivation = 'a ResNet v2, with batch norms in front of its convolutions, is not read'

/** Whether a node adds two branches, and not a bias. */
export function isResidualSum(walk: Walk, { operator, inputs }: OnnxNode): boolean {
  const isSum = operator === 'Add' || operator === 'Sum'
  return isSum && inputs.length === 2 && inputs.every((input) => walk.stored(input) === undefined)
}

/**
 * Reads a graph with residual sums as ResNet-18, -34, -50, -101 or -152, or one with other widths and depths.
 *
 * @throws WeightsError where it has another structure; it says what was found, and where
 */
export function readResNet(walk: Walk): Recognised {
  walk.family = 'a ResNet'
  const input = walk.start()
  walk.place = 'at the beginning'
  if (walk.isNext(input, 'BatchNormalization')) walk.fail('a Conv', `a BatchNormalization; ${preActivation}`)
  const stem = readStem(walk, input)
  const blocks = readBlocks(walk, readMaxPool(walk, stem.output, { kernel: 3, stride: 2, padding: 1 }))
  walk.place = 'behind the last block'
  const head = readHead(walk, blocks.at(-1)!)

  const result = new Recognised()
  result.addNormalised('conv1', 'bn1', stem)
  addStages(walk, blocks, stem.outChannels, result)
  result.addLinear('fc', head)
  return result
}

function readStem(walk: Walk, input: string): Convolution {
  const stem = readConvolution(walk, input)
  if (stem.kernel === 7 && stem.stride === 2 && stem.hasRelu) return stem
  const found = `${stem.kernel}x${stem.kernel} with a stride of ${stem.stride}${stem.hasRelu ? '' : ' and no ReLU'}`
  return walk.fail('a convolution of 7x7 with a stride of 2 and a ReLU', found)
}

function readBlocks(walk: Walk, input: string): Block[] {
  const blocks: Block[] = []
  for (let at = input; walk.behind(at).length > 1; at = blocks.at(-1)!.output) {
    walk.place = `in block ${blocks.length + 1}`
    blocks.push(readBlock(walk, at))
  }
  if (blocks.length > 0) return blocks
  return walk.fail('blocks with two branches', walk.behind(input).map(describeNode).join())
}

function readBlock(walk: Walk, input: string): Block {
  const starts = walk.behind(input)
  if (starts.length > 2) walk.fail('two branches', `${starts.length}`)
  const branches = starts.map((start) => readBranch(walk, start))
  const [shorter, longer] = branches.sort((a, b) => a.layers.length - b.layers.length) as [Branch, Branch]
  if (shorter.sum !== longer.sum) walk.fail('two branches that meet', 'others')
  const [main, [shortcut, ...others]] = [longer.layers, shorter.layers]
  if (kernels[main.length] === undefined || others.length > 0) {
    walk.fail('2 or 3 convolutions beside 0 or 1', `${main.length} beside ${shorter.layers.length}`)
  }
  const windows = main.map(({ kernel }) => kernel).join(', ')
  if (windows !== kernels[main.length] || (shortcut && shortcut.kernel !== 1)) {
    walk.fail(
      `kernels of ${kernels[main.length]} and 1 in the shortcut`,
      `${windows} and ${shortcut?.kernel ?? 'none'}`,
    )
  }
  const isActivated = main.every(({ hasRelu }, i) => hasRelu === i < main.length - 1) && shortcut?.hasRelu !== true
  if (!isActivated || !walk.isNext(outputOf(longer.sum), 'Relu')) {
    walk.fail('a ReLU behind each convolution, and behind the sum instead of the last', `others; ${preActivation}`)
  }
  return { main, shortcut, output: outputOf(walk.next(outputOf(longer.sum), 'Relu')) }
}

interface Branch {
  readonly layers: readonly Convolution[]
  readonly sum: OnnxNode
}

/** From a node to the sum where the branch ends. */
function readBranch(walk: Walk, start: OnnxNode): Branch {
  const layers: Convolution[] = []
  let node = unchanging.includes(start.operator) ? walk.only(outputOf(start)) : start
  while (!isResidualSum(walk, node)) {
    if (node.operator === 'BatchNormalization') walk.fail('a Conv', `${describeNode(node)}; ${preActivation}`)
    if (node.operator !== 'Conv') walk.fail('Conv or Add', describeNode(node))
    walk.enter(node)
    layers.push(convolutionOf(walk, node))
    node = walk.only(layers.at(-1)!.output, 'Conv or Add')
  }
  return { layers, sum: node }
}

function readHead(walk: Walk, { main, output }: Block): Linear {
  // A ReduceMean over anything but height and width would not leave as many features as there are channels.
  const pool = walk.next(output, 'GlobalAveragePool', 'ReduceMean', 'AveragePool')
  const head = readLinear(walk, walk.skip(outputOf(pool), flattening))
  const channels = main.at(-1)!.outChannels
  if (head.inFeatures !== channels) walk.fail(`a linear layer with ${channels} inputs`, `${head.inFeatures}`)
  walk.finish(head.output)
  return head
}

/** Gives blocks their names: a stage begins with the first block, and where the number of channels changes. */
function addStages(walk: Walk, blocks: readonly Block[], stemChannels: number, result: Recognised): void {
  let [stage, index, channels] = [0, 0, stemChannels]
  const strided = new Set<number>()
  blocks.forEach((block, number) => {
    walk.place = `in block ${number + 1}`
    const isFirst = stage === 0 || block.main.at(-1)!.outChannels !== channels
    if (isFirst) [stage, index] = [stage + 1, 0]
    const stride = isFirst && stage > 1 ? 2 : 1
    const position = checkBlock(walk, block, { channels, stride, isBottleneck: blocks[0]!.main.length === 3 })
    if (stride === 2) strided.add(position)
    addBlock(result, `layer${stage}.${index++}`, block)
    channels = block.main.at(-1)!.outChannels
  })
  walk.place = ''
  if (stage !== stages) walk.fail(`${stages} stages, each with its number of channels`, `${stage}`)
  if (strided.size > 1)
    walk.fail('strides in the same convolution of all blocks', 'some in the first, some in the second')
  if (strided.has(0) && blocks[0]!.main.length === 3) result.metadata.resnet_stride = '1x1'
}

/** Checks channels and strides; which of the convolutions has the block's stride. */
function checkBlock(
  walk: Walk,
  { main, shortcut }: Block,
  { channels, stride, isBottleneck }: { channels: number; stride: number; isBottleneck: boolean },
): number {
  if ((main.length === 3) !== isBottleneck) walk.fail('blocks of one kind', 'bottlenecks and others')
  const outChannels = main.at(-1)!.outChannels
  const comesIn = [channels, ...main.map((layer) => layer.outChannels)]
  const fits = main.every(({ inChannels }, i) => inChannels === comesIn[i])
  const shortcutFits = !shortcut || (shortcut.inChannels === channels && shortcut.outChannels === outChannels)
  if (!fits || !shortcutFits) walk.fail('convolutions that take as many channels as there are', 'others')

  const needsShortcut = stride !== 1 || channels !== outChannels
  if (needsShortcut !== (shortcut !== undefined)) {
    walk.fail(`${needsShortcut ? 'a' : 'no'} convolution in the shortcut`, shortcut ? 'one' : 'none')
  }
  const strides = main.map((layer) => layer.stride)
  const possible = isBottleneck ? [`${stride}, 1, 1`, `1, ${stride}, 1`] : [`${stride}, 1`]
  const position = possible.indexOf(strides.join(', '))
  if (position === -1 || (shortcut && shortcut.stride !== stride)) {
    walk.fail(
      `strides of ${possible.at(-1)} and ${stride} in the shortcut`,
      `${strides.join(', ')} and ${shortcut?.stride ?? 'none'}`,
    )
  }
  return position
}

function addBlock(result: Recognised, name: string, { main, shortcut }: Block): void {
  main.forEach((layer, i) => result.addNormalised(`${name}.conv${i + 1}`, `${name}.bn${i + 1}`, layer))
  if (shortcut) result.addNormalised(`${name}.downsample.0`, `${name}.downsample.1`, shortcut)
}
