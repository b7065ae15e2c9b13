/**
 * ONNX Runtime for Node, on its own WebGPU provider or on the CPU: node bench/peers/onnx-runtime.mjs REQUEST webgpu|cpu.
 * It opens the case as a model file, which the process that asks has written, and its packages for npm cannot train.
 * Its results come back to the CPU, so every execution waits for the GPU.
 */
import { availableParallelism } from 'node:os'
import path from 'node:path'
import {
  answerRequest,
  channelsFirst,
  channelsLast,
  modelFile,
  operandsOf,
  UnsupportedError,
} from '../../build/bench/peers/kit.js'

const provider = process.argv[3]

await answerRequest(async ({ case: compared, folder }) => {
  if (compared.training) throw new UnsupportedError('ONNX Runtime for Node cannot train')
  const { default: ort } = await import('onnxruntime-node')
  const threads = availableParallelism()
  const session = await ort.InferenceSession.create(path.join(folder, modelFile), {
    executionProviders: [{ name: provider }],
    intraOpNumThreads: threads,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3, // errors
  })
  const { left, input } = operandsOf(compared)
  const { data, shape } = left ?? channelsFirst(input)
  const feeds = { input: new ort.Tensor('float32', data, shape) }
  return {
    version: ort.env.versions.common,
    adapter: provider === 'cpu' ? `CPU, ${threads} threads` : 'its own choice',
    async execute() {
      const { output } = await session.run(feeds)
      output.dispose()
    },
    async compute() {
      const { output } = await session.run(feeds)
      return channelsLast({ shape: output.dims, data: output.data }).data
    },
    synchronize: () => Promise.resolve(),
  }
})
