/** Who is measured. Daybreak comes first; the others are its peers, on the same GPU, and references on the CPU. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

export interface Peer {
  readonly name: string
  readonly runsOn: 'gpu' | 'cpu'
  /** The program and its arguments before the request. */
  readonly program: string
  readonly script: string
  /** Arguments behind the request. */
  readonly options: readonly string[]
  /** Why it cannot be measured here; `undefined` if it can. */
  readonly missing: () => string | undefined
  /** Whether it opens the case as an ONNX model. */
  readonly opensModel?: boolean
}

/** The name that Daybreak has among them. */
export const ours = 'daybreak'
/** Whose results are believed, where it was measured. */
export const reference = 'pytorch-cpu'

const python = process.env.DAYBREAK_PYTHON ?? '/usr/bin/python3'

/**
 * All that can be measured.
 *
 * @param scripts the folder bench/peers of the sources, where the peers' packages are installed
 * @param compiled the folder that bench/peers is compiled to
 */
export function listPeers(scripts: string, compiled: string): readonly Peer[] {
  const inNode = (name: string, runsOn: Peer['runsOn'], script: string, packageName: string, ...options: string[]) => ({
    name,
    runsOn,
    program: process.execPath,
    script: path.join(scripts, script),
    options,
    missing: () =>
      existsSync(path.join(scripts, 'node_modules', packageName, 'package.json'))
        ? undefined
        : `${packageName} is not installed; npm install --prefix bench/peers --ignore-scripts installs all packages`,
  })
  return [
    {
      name: ours,
      runsOn: 'gpu',
      program: process.execPath,
      script: path.join(compiled, 'daybreak.js'),
      options: [],
      missing: () => undefined,
    },
    inNode('tfjs-webgpu', 'gpu', 'tfjs.mjs', '@tensorflow/tfjs-backend-webgpu', 'webgpu'),
    { ...inNode('onnxruntime-webgpu', 'gpu', 'onnx-runtime.mjs', 'onnxruntime-node', 'webgpu'), opensModel: true },
    inNode('jax-js-webgpu', 'gpu', 'jax-js.mjs', '@jax-js/jax'),
    {
      name: reference,
      runsOn: 'cpu',
      program: python,
      script: path.join(scripts, 'pytorch.py'),
      options: [],
      missing: () =>
        spawnSync(python, ['-c', 'import torch, torchvision']).status === 0
          ? undefined
          : `${python} has no torch and torchvision; DAYBREAK_PYTHON may name another Python`,
    },
    { ...inNode('onnxruntime-cpu', 'cpu', 'onnx-runtime.mjs', 'onnxruntime-node', 'cpu'), opensModel: true },
    inNode('tfjs-wasm', 'cpu', 'tfjs.mjs', '@tensorflow/tfjs-backend-wasm', 'wasm'),
  ]
}

/** The peers of these names, all without names; Daybreak always. Throws an `Error` for a name that is none. */
export function selectPeers(all: readonly Peer[], names: readonly string[]): readonly Peer[] {
  const unknown = names.find((name) => !all.some((peer) => peer.name === name))
  if (unknown !== undefined) {
    throw new Error(`no peer is called "${unknown}"; there are ${all.map(({ name }) => name).join(', ')}`)
  }
  return names.length === 0 ? all : all.filter(({ name }) => name === ours || names.includes(name))
}
