/**
 * TensorFlow.js: node bench/peers/tfjs.mjs REQUEST webgpu|wasm.
 *
 * The union package is needed, as its core alone knows no gradients. Its wasm threads do not start in Node.
 */
import { fileURLToPath, URL } from 'node:url'
import {
  adaptiveAverageMatrix,
  answerRequest,
  oneHotLabels,
  operandsOf,
  outputsLast,
  paddingOf,
  parametersOf,
  runNetwork,
  traceNetwork,
  trainedNames,
  UnsupportedError,
} from '../../build/bench/peers/kit.js'
import { gpuErrors, installNavigator, watchDevice } from './navigator.mjs'

const backendName = process.argv[3]
const epsilon = 1e-5

await answerRequest(async (request) => {
  const tf = await open(request.adapter)
  const { case: compared, adam } = request
  const backend = tf.backend()
  const onGpu = backendName === 'webgpu'
  const adapter = onGpu ? watchDevice(backend.device) : 'CPU, 1 thread'
  const run = compared.kind === 'network' ? networkOf(tf, compared, adam) : operationOf(tf, compared)
  return {
    version: tf.version_core,
    adapter,
    execute: () => run().dispose(),
    async compute() {
      const output = run()
      const values = await output.data().catch(unsupported)
      output.dispose()
      return values
    },
    async synchronize() {
      if (!onGpu) return // it computes at once
      if (backend.commandEncoder) {
        backend.endComputePassEncoder()
        backend.submitQueue()
      }
      await backend.queue.onSubmittedWorkDone()
    },
    gpuErrors,
  }
})

async function open(adapter) {
  if (backendName === 'webgpu') installNavigator(adapter)
  const union = await import('@tensorflow/tfjs')
  const tf = union.default ?? union
  if (backendName === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu')
  else {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
    setWasmPaths(fileURLToPath(new URL('node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url)))
  }
  const opened = await tf.setBackend(backendName)
  await tf.ready()
  if (!opened || tf.getBackend() !== backendName) throw new Error(`the backend "${backendName}" does not start`)
  return tf
}

/** What the wasm backend lacks is found out by running into it. */
function unsupported(error) {
  throw /not registered for backend|not yet implemented/.test(error.message)
    ? new UnsupportedError(error.message.split('\n')[0])
    : error
}

/** One operation: a function that gives its output. */
function operationOf(tf, compared) {
  const arrays = Object.entries(operandsOf(compared))
  const operands = Object.fromEntries(arrays.map(([name, { data, shape }]) => [name, tf.tensor(data, shape)]))
  const { input, weight, bias, runningMean, runningVar } = operands
  switch (compared.kind) {
    case 'matmul':
      return () => tf.matMul(operands.left, operands.right)
    case 'conv2d':
      return () => tf.conv2d(input, weight, compared.stride, paddingOf(compared))
    case 'max-pool-2d':
      return () => tf.maxPool(input, 3, 2, 1)
    case 'batch-norm-relu':
      return () => tf.tidy(() => tf.relu(tf.batchNorm(input, runningMean, runningVar, bias, weight, epsilon)))
  }
}

/** A network: a function that gives its logits, or takes a training step and gives its loss. */
function networkOf(tf, network, { lr, eps }) {
  const { parameters } = traceNetwork(network)
  const isTrained = trainedNames(network, parameters)
  const variables = new Map(
    [...parametersOf(network)].map(([name, array]) => {
      const { data, shape } = outputsLast(array)
      return [name, tf.variable(tf.tensor(data, shape), isTrained(name), name)]
    }),
  )
  const updates = [] // of running statistics, which must not be on the tape
  const operations = operationsOf(tf, variables, isTrained, updates)
  const { input } = operandsOf(network)
  const images = tf.tensor(input.data, input.shape)
  if (!network.training) return () => tf.tidy(() => runNetwork(operations, network, images))

  const oneHot = oneHotLabels(network)
  const labels = tf.tensor(oneHot.data, oneHot.shape)
  const trained = [...variables].filter(([name]) => isTrained(name)).map(([, variable]) => variable)
  const optimizer = tf.train.adam(lr, 0.9, 0.999, eps)
  return () =>
    tf.tidy(() => {
      const { value, grads } = differentiate(tf, trained, () => {
        const logProbabilities = tf.logSoftmax(runNetwork(operations, network, images))
        const loss = tf.neg(tf.mean(tf.sum(tf.mul(logProbabilities, labels), -1)))
        for (const update of updates.splice(0)) update()
        return loss
      })
      optimizer.applyGradients(grads)
      return value
    })
}

function differentiate(tf, variables, loss) {
  try {
    return tf.variableGrads(loss, variables)
  } catch (error) {
    return unsupported(error)
  }
}

function operationsOf(tf, variables, isTrained, updates) {
  const parameter = (name) => variables.get(name)
  const averages = new Map() // matrices, by the side of the input
  return {
    conv2d(input, name, { stride, padding, bias }) {
      const output = tf.conv2d(input, parameter(`${name}.weight`), stride, padding)
      return bias ? tf.add(output, parameter(`${name}.bias`)) : output
    },
    batchNorm2d(input, name) {
      const [weight, bias] = [parameter(`${name}.weight`), parameter(`${name}.bias`)]
      const running = { mean: parameter(`${name}.running_mean`), variance: parameter(`${name}.running_var`) }
      if (!isTrained(`${name}.weight`)) {
        return tf.batchNorm(input, running.mean, running.variance, bias, weight, epsilon)
      }
      const batch = tf.moments(input, [0, 1, 2])
      updates.push(() => {
        for (const part of ['mean', 'variance']) {
          running[part].assign(tf.add(tf.mul(running[part], 0.9), tf.mul(batch[part], 0.1)))
        }
      })
      return tf.batchNorm(input, batch.mean, batch.variance, bias, weight, epsilon)
    },
    relu: tf.relu,
    add: tf.add,
    maxPool2d: (input, { kernel, stride, padding }) => tf.maxPool(input, kernel, stride, padding),
    globalAveragePool: (input) => tf.mean(input, [1, 2]),
    adaptiveAveragePool(input, side) {
      const [batch, from, , channels] = input.shape
      const pixels = tf.reshape(tf.transpose(input, [0, 3, 1, 2]), [batch * channels, from ** 2])
      if (!averages.has(from)) {
        averages.set(from, tf.keep(tf.tensor(adaptiveAverageMatrix(from, side), [from ** 2, side ** 2])))
      }
      return tf.transpose(
        tf.reshape(tf.matMul(pixels, averages.get(from)), [batch, channels, side, side]),
        [0, 2, 3, 1],
      )
    },
    flatten: (input) => tf.reshape(tf.transpose(input, [0, 3, 1, 2]), [input.shape[0], -1]),
    linear: (input, name) => tf.add(tf.matMul(input, parameter(`${name}.weight`)), parameter(`${name}.bias`)),
    again: (value) => value,
  }
}
