/**
 * Initialisers: they overwrite a parameter with random numbers (the engine's: see `manualSeed`) or a constant, on the GPU,
 * and return it. The formulas are PyTorch's (torch.nn.init).
 */
import { formatShape, type Shape } from '../autograd/shape.js'
import type { Tensor } from '../autograd/tensor.js'
import { OptionError, ShapeError } from '../device/errors.js'
import { fill } from '../kernels/fill/fill.js'
import { fillNormal } from '../kernels/random/normal.js'
import { fillUniform } from '../kernels/random/uniform.js'

/** `fanIn` keeps the variance of activations, `fanOut` that of gradients. */
export type FanMode = 'fanIn' | 'fanOut'
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu'

export interface KaimingOptions {
  /** The slope of `leakyRelu` for negative inputs; 0 by default. */
  a?: number
  /** `fanIn` by default. */
  mode?: FanMode
  /** `leakyRelu` by default, as in PyTorch; with `a` = 0 it is the same as `relu`. */
  nonlinearity?: Nonlinearity
}

/** Uniform in [-bound, bound). */
export function uniform(tensor: Tensor, bound: number): Tensor {
  return overwrite('uniform', tensor, () => {
    const { engine, buffer, size } = tensor
    fillUniform(engine.device, { output: buffer, size, low: -bound, high: bound, random: engine.drawRandom() })
  })
}

/** Normally distributed. */
export function normal(tensor: Tensor, { mean = 0, std = 1 }: { mean?: number; std?: number } = {}): Tensor {
  return overwrite('normal', tensor, () => {
    const { engine, buffer, size } = tensor
    fillNormal(engine.device, { output: buffer, size, mean, std, random: engine.drawRandom() })
  })
}

/** One value everywhere. */
export function constant(tensor: Tensor, value: number): Tensor {
  return overwrite('constant', tensor, () => {
    fill(tensor.engine.device, { output: tensor.buffer, size: tensor.size, value })
  })
}

/** Uniform with the standard deviation gain / sqrt(fan) (He et al., 2015). */
export function kaimingUniform(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return uniform(tensor, Math.sqrt(3) * kaimingDeviation(tensor.shape, options))
}

/** Normal with the standard deviation gain / sqrt(fan) (He et al., 2015). */
export function kaimingNormal(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return normal(tensor, { std: kaimingDeviation(tensor.shape, options) })
}

/** What PyTorch's linear layers and convolutions begin with: uniform in +-1/sqrt(fan in). */
export function defaultInit(weight: Tensor): Tensor {
  return kaimingUniform(weight, { a: Math.sqrt(5) })
}

/** Uniform with the standard deviation gain * sqrt(2 / (fan in + fan out)) (Glorot and Bengio, 2010). */
export function xavierUniform(tensor: Tensor, { gain = 1 }: { gain?: number } = {}): Tensor {
  const { fanIn, fanOut } = fans(tensor.shape)
  return uniform(tensor, gain * Math.sqrt(6 / (fanIn + fanOut)))
}

/** How many inputs an output depends on, and how many outputs an input reaches. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length === 2) return { fanIn: shape[1]!, fanOut: shape[0]! }
  if (shape.length !== 4) {
    throw new ShapeError('init', 'a weight [out, in] or [KH, KW, in, out]', formatShape(shape))
  }
  const [height, width, input, output] = shape as readonly [number, number, number, number]
  return { fanIn: height * width * input, fanOut: height * width * output }
}

function kaimingDeviation(shape: Shape, { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions): number {
  const fan = fans(shape)[mode]
  if (!fan) throw new OptionError('init: mode', 'fanIn or fanOut', mode)
  return gainOf(nonlinearity, a) / Math.sqrt(fan)
}

function gainOf(nonlinearity: Nonlinearity, a: number): number {
  const gains = { linear: 1, sigmoid: 1, tanh: 5 / 3, relu: Math.SQRT2, leakyRelu: Math.sqrt(2 / (1 + a * a)) }
  const gain = (gains as Partial<typeof gains>)[nonlinearity]
  if (gain === undefined) throw new OptionError('init: nonlinearity', Object.keys(gains).join(', '), nonlinearity)
  return gain
}

function overwrite(operation: string, tensor: Tensor, write: () => void): Tensor {
  if (tensor.dtype !== 'f32') throw new ShapeError(`init.${operation}`, 'an f32 tensor', tensor.toString())
  tensor.engine.noGrad(() => {
    tensor.beforeInPlaceWrite(operation)
    write()
  })
  return tensor
}
