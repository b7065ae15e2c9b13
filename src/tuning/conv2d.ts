/** Convolutions and their gradients: which algorithm, and which inner product in it. */
import { conv2dForward } from '../kernels/conv2d/forward.js'
import { type Conv2dGeometry, imageSizes, multiplyAddsOfImage, weightSize } from '../kernels/conv2d/geometry.js'
import { conv2dInputGradient } from '../kernels/conv2d/input-gradient.js'
import { type Conv2dOperation, type Conv2dVariant, conv2dVariantsFor } from '../kernels/conv2d/variants.js'
import { conv2dWeightGradient } from '../kernels/conv2d/weight-gradient.js'
import { kernelTexts } from '../kernels/kernel.js'
import type { ProductVariant } from '../kernels/matmul/tiling.js'
import { conv2dCost } from './conv2d-cost.js'
import { matmulTunable } from './matmul.js'
import { productCosts } from './product-cost.js'
import type { Tunable } from './tunable.js'

export interface Conv2dProblem {
  readonly operation: Conv2dOperation
  readonly geometry: Conv2dGeometry
  /** Whether images, and their gradients, are f16; weights are f32 in any case. */
  readonly half: boolean
  /** Whether the weight's packed form is kept from call to call; not where the operation reads no weight. */
  readonly keepPacked: boolean
}

// a type, as interfaces are no records
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type Conv2dChoice = { readonly variant: Conv2dVariant; readonly product: ProductVariant }

export const conv2dTunable: Tunable<Conv2dProblem, Conv2dChoice, 'input' | 'weight' | 'output'> = {
  family: 'conv2d',

  /** `forward 56x56x64 -> 56x56x64, kernel 3x3, padding 1x1, packed`; what is usual is left out. */
  shape({ operation, geometry, half, keepPacked }) {
    const { inputSize, inputChannels, outputSize, outputChannels, kernelSize, groups } = geometry
    const usual = { stride: 1, padding: 0, dilation: 1 }
    const unusual = Object.entries(usual).flatMap(([name, value]) => {
      const pair = geometry[name as keyof typeof usual]
      return pair.every((length) => length === value) ? [] : [`${name} ${pair.join('x')}`]
    })
    return [
      `${operation} ${inputSize.join('x')}x${inputChannels} -> ${outputSize.join('x')}x${outputChannels}`,
      `kernel ${kernelSize.join('x')}`,
      ...unusual,
      ...(groups === 1 ? [] : [`groups ${groups}`]),
      ...(half ? ['f16'] : []),
      ...(keepPacked ? ['packed'] : []),
    ].join(', ')
  },

  batch: ({ geometry }) => geometry.batch,

  candidates(device, { operation, geometry, keepPacked }) {
    const candidates = conv2dVariantsFor(device, operation, geometry).flatMap((variant) => {
      const { products, traffic, sizes } = conv2dCost(device, operation, geometry, variant, keepPacked)
      return productCosts(device, sizes).map(({ product, factor }) => ({
        method: { variant, product },
        cost: products * factor + traffic,
      }))
    })
    return candidates.sort((a, b) => a.cost - b.cost)
  },

  operations: ({ geometry }) => 2 * geometry.batch * multiplyAddsOfImage(geometry),

  operands({ geometry, half }) {
    const { batch } = geometry
    const image = imageSizes(geometry)
    return {
      input: { size: batch * image.input, half },
      weight: { size: weightSize(geometry), half: false },
      output: { size: batch * image.output, half },
    }
  },

  run(device, { operation, geometry, keepPacked }, { input, weight, output }, method) {
    switch (operation) {
      case 'forward':
        conv2dForward(device, { input, weight, output }, geometry, { ...method, keepPacked })
        break
      case 'input-gradient': {
        const buffers = { outputGradient: output, weight, inputGradient: input }
        conv2dInputGradient(device, buffers, geometry, { ...method, keepPacked })
        break
      }
      case 'weight-gradient':
        conv2dWeightGradient(device, { input, outputGradient: output, weightGradient: weight }, geometry, method)
    }
  },

  code: (device) => kernelTexts('conv2d/') + matmulTunable.code(device),
}
