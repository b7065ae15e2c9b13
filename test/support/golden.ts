/** Reads the golden values that test/golden/generate.py computed with PyTorch; test/golden/README.md describes them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSafetensors } from '../../src/weights/index.js'

export interface GoldenTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>
}

export interface GoldenCase {
  readonly name: string
  /** The operation's options, under the names of the TypeScript API. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** The names of the inputs, in the order of the operation's parameters. */
  readonly inputs: readonly string[]
  /** The names of the results that are not gradients: `['output']`, or an optimizer's steps. */
  readonly outputs: readonly string[]
  /** The names of the inputs that have a gradient, in the tensor `gradients.<name>`. */
  readonly gradients: readonly string[]
  /** What a reader must know about this case, such as why it needs a wider tolerance. */
  readonly note?: string
  has(tensor: string): boolean
  tensor(tensor: string): GoldenTensor
}

export interface GoldenFile {
  readonly cases: readonly GoldenCase[]
  readonly metadata: Readonly<Record<string, string>>
  /** Every tensor's name, `<case>/<tensor>`. */
  readonly tensorNames: readonly string[]
}

type Description = Pick<GoldenCase, 'name' | 'attributes' | 'inputs' | 'outputs' | 'gradients' | 'note'>

/** The folder of the golden files. */
export const goldenFolder = fileURLToPath(new URL('../golden/values/', import.meta.url))

/** The cases of one operation or network, such as `conv2d` or `resnet18`. */
export function loadGolden(name: string): GoldenFile {
  const file = `${goldenFolder}${name}.safetensors`
  const { stateDict: tensors, metadata } = parseSafetensors(readFileSync(file), file)
  const descriptions = JSON.parse(metadata.cases ?? '[]') as Description[]
  const cases = descriptions.map((description): GoldenCase => ({
    ...description,
    has: (tensor) => tensors.has(`${description.name}/${tensor}`),
    tensor(tensor) {
      const array = tensors.get(`${description.name}/${tensor}`)
      if (!array) throw new Error(`${file}: no tensor ${tensor} in the case "${description.name}"`)
      if (array.dtype !== 'float32' && array.dtype !== 'int32') throw new Error(`${file}: ${tensor} is ${array.dtype}`)
      // a copy, so that a test may keep or change it
      return { shape: array.shape, data: array.data.slice() }
    },
  }))
  return { cases, metadata, tensorNames: [...tensors.keys()] }
}
