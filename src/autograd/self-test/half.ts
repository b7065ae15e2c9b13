/** Activations of f16, on adapters that have it: other checks with their inputs rounded, and what becomes of large numbers. */
import { cast } from '../ops/cast.js'
import { countNonFinite } from '../ops/non-finite.js'
import { batchNorm2dChecks } from './batch-norm-2d.js'
import { kernelCheck, type KernelCheck } from './check.js'
import { conv2dChecks } from './conv2d.js'
import { elementwiseChecks } from './elementwise.js'
import { matrixChecks } from './matrices.js'
import { Values } from './values.js'

const rounded = [
  ...conv2dChecks.filter(({ variant }) => ['1x1', '3x3'].includes(variant)),
  ...matrixChecks.filter(({ kernel }) => kernel === 'linear'),
  ...batchNorm2dChecks,
  ...elementwiseChecks.filter(({ kernel }) => kernel === 'relu'),
]

const large = [65504, -65504, 70000, -1e6, 3e38, 0, 1]

export const halfChecks: readonly KernelCheck[] = [
  ...rounded.map(inHalf),
  kernelCheck({
    kernel: 'f16',
    variant: 'overflow is infinite', // a driver that makes it the largest number would hide it from loss scaling
    needs: 'shader-f16',
    inputs: { input: { shape: [large.length], values: large } },
    run: ({ input }) => cast(countNonFinite(cast(cast(input, 'f16'), 'f32')), 'f32'),
    reference: () => new Values([], Float64Array.of(3)),
  }),
]

function inHalf(check: KernelCheck): KernelCheck {
  return {
    ...check,
    kernel: 'f16',
    variant: `${check.kernel}, ${check.variant}`,
    needs: 'shader-f16',
    run: (inputs, engine) => cast(check.run({ ...inputs, input: cast(inputs.input!, 'f16') }, engine), 'f32'),
    // input, weight, result and gradient are rounded to 11 bits each; drivers may cut instead of rounding to the nearest
    tolerance: 4 * 2 ** -10,
  }
}
