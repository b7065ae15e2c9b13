/** `daybreak summary`: prints a network's layers, output shapes and parameters. */
import { createEngine } from '../autograd/engine.js'
import { createModel, inputChannelsOf, summary } from '../models/index.js'

export interface SummaryCommandOptions {
  model: string
  numClasses?: number
  /** [N, H, W, C]. */
  input?: number[]
  adapter?: string
}

export async function summaryCommand(options: SummaryCommandOptions): Promise<void> {
  const engine = await createEngine({ adapter: options.adapter, tune: 'off' })
  try {
    const model = await createModel(engine, options.model, { numClasses: options.numClasses })
    console.log(summary(model, options.input ?? usualInput(options.model)))
  } finally {
    engine.destroy()
  }
}

/** Photos for the networks of ImageNet, digits for the one that takes grey images. */
function usualInput(model: string): number[] {
  const channels = inputChannelsOf(model)
  const side = channels === 1 ? 28 : 224
  return [1, side, side, channels]
}
