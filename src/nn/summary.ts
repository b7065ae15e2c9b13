/** The table of a model's layers that torchsummary prints (https://github.com/sksq96/pytorch-summary). */
import { checkShape, formatShape, type Shape, sizeOf } from '../autograd/shape.js'
import type { Module } from './module.js'
import { Sequential } from './sequential.js'

export interface SummaryOptions {
  /**
   * The order of the dimensions of images in the table: `NCHW` (the default) gives exactly torchsummary's text for the
   * model of the same name in torchvision, `NHWC` the shapes as Daybreak's tensors have them.
   */
  layout?: 'NCHW' | 'NHWC'
}

interface Row {
  readonly layer: string
  readonly shape: Shape
  readonly parameters: number
  readonly trainable: number
}

/**
 * Describes each run of each layer: kind and number, output shape, parameters; then totals and estimates of memory for
 * one image, in MB (2^20 bytes). As in torchsummary the batch dimension is written as -1, the forward/backward size
 * is that of all outputs listed and of as many gradients, and `Sequential` and the model itself have no rows.
 * Only shapes are computed: no kernel runs, and the model does not change.
 *
 * @param inputShape the shape of an input, [N, H, W, C]; N does not matter
 */
export function summary(model: Module, inputShape: Shape, { layout = 'NCHW' }: SummaryOptions = {}): string {
  checkShape('summary', inputShape)
  const one = [1, ...inputShape.slice(1)]
  const rows = runsOf(model, one)
  const lines = rows.map(({ layer, shape, parameters }) => {
    const [, ...image] = layout === 'NCHW' && shape.length === 4 ? [shape[0]!, shape[3]!, shape[1]!, shape[2]!] : shape
    return row(layer, formatShape([-1, ...image]), count(parameters))
  })
  const total = sum(rows.map(({ parameters }) => parameters))
  const trainable = sum(rows.map((each) => each.trainable))
  const input = megabytes(sizeOf(one))
  const outputs = megabytes(2 * sum(rows.map(({ shape }) => sizeOf(shape))))
  const parameters = megabytes(total)
  return [
    thinRule,
    row('Layer (type)', 'Output Shape', 'Param #'),
    thickRule,
    ...lines,
    thickRule,
    `Total params: ${count(total)}`,
    `Trainable params: ${count(trainable)}`,
    `Non-trainable params: ${count(total - trainable)}`,
    thinRule,
    `Input size (MB): ${input.toFixed(2)}`,
    `Forward/backward pass size (MB): ${outputs.toFixed(2)}`,
    `Params size (MB): ${parameters.toFixed(2)}`,
    `Estimated Total Size (MB): ${(input + outputs + parameters).toFixed(2)}`,
    thinRule,
  ].join('\n')
}

const thinRule = '-'.repeat(64)
const thickRule = '='.repeat(64)

/** Runs the model for its shapes, and lists the runs of its layers in the order in which they end. */
function runsOf(model: Module, inputShape: Shape): Row[] {
  const { engine } = model
  const rows: Row[] = []
  const hooked = [...model.namedModules().values()].filter(
    (module) => !(module instanceof Sequential) && (module !== model || module.children.size === 0),
  )
  const removals = hooked.map((module) =>
    module.onForward((layer, _input, { shape }) => {
      const own = layer.ownParameters()
      rows.push({
        layer: `${layer.typeName}-${rows.length + 1}`,
        shape,
        parameters: sum(own.map(({ size }) => size)),
        trainable: sum(own.filter(({ requiresGrad }) => requiresGrad).map(({ size }) => size)),
      })
    }),
  )
  const training = new Map([...model.namedModules().values()].map((module) => [module, module.training]))
  try {
    model.eval() // no statistics move, no random numbers are drawn
    engine.device.withoutRunning(() => {
      engine.noGrad(() => {
        engine.scope(() => {
          model.call(engine.empty(inputShape))
        })
      })
    })
  } finally {
    for (const [module, before] of training) module.training = before
    for (const remove of removals) remove()
  }
  return rows
}

function row(layer: string, shape: string, parameters: string): string {
  return `${layer.padStart(20)}  ${shape.padStart(25)} ${parameters.padStart(15)}`
}

/** 1234567 -> "1,234,567". */
const count = (value: number): string => value.toLocaleString('en-US')
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
/** The size of so many f32 numbers. */
const megabytes = (elements: number): number => (elements * 4) / 2 ** 20
