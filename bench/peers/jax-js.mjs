/**
 * jax-js on WebGPU: node bench/peers/jax-js.mjs REQUEST. Everything is compiled by `jit`; its operations consume the arrays
 * that they take, and `.ref` is another reference to one. It has no optimizer, so Adam is written out here.
 */
import { readFileSync } from 'node:fs'
import { URL } from 'node:url'
import {
  adaptiveAverageMatrix,
  answerRequest,
  channelsFirst,
  channelsLast,
  oneHotLabels,
  operandsOf,
  outputSide,
  outputsFirst,
  paddingOf,
  parametersOf,
  runNetwork,
  traceNetwork,
  trainedNames,
} from '../../build/bench/peers/kit.js'
import { gpuErrors, installNavigator, watchDevice } from './navigator.mjs'

const epsilon = 1e-5

await answerRequest(async (request) => {
  installNavigator(request.adapter)
  const jax = await import('@jax-js/jax')
  if (!(await jax.init('webgpu')).includes('webgpu')) throw new Error('its WebGPU backend does not start')
  jax.defaultDevice('webgpu')
  const device = jax.getWebGPUDevice()
  const adapter = watchDevice(device)
  const { run, toOutput } = caseOf(jax, request)
  return {
    version: versionOf('@jax-js/jax'),
    adapter,
    async execute() {
      const output = run()
      await output.blockUntilReady()
      output.dispose()
    },
    compute: async () => toOutput(await run().data()),
    synchronize: () => device.queue.onSubmittedWorkDone(),
    gpuErrors,
  }
})

function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
}

/** A case as a function that gives its output, and what turns the output's values into Daybreak's order. */
function caseOf(jax, { case: compared, adam }) {
  if (compared.kind === 'network') {
    return { run: networkOf(jax, compared, adam), toOutput: (values) => values }
  }
  const { compute, operands, shape } = operationOf(jax, compared)
  const compiled = jax.jit(compute)
  const arrays = operands.map((operand) => arrayOf(jax, operand))
  return {
    run: () => compiled(...arrays.map((array) => array.ref)),
    toOutput: (data) => channelsLast({ shape, data }).data,
  }
}

function arrayOf(jax, { shape, data }) {
  return jax.numpy.array(data, { shape: [...shape] })
}

/** One operation: its function, operands, and the shape of its output. */
function operationOf(jax, compared) {
  const { numpy: np, nn } = jax
  const arrays = operandsOf(compared)
  const { batch, side, outputs, channels, kernel, stride } = compared
  switch (compared.kind) {
    case 'matmul':
      return { compute: np.matmul, operands: [arrays.left, arrays.right], shape: [compared.rows, compared.columns] }
    case 'conv2d': {
      const padding = paddingOf(compared)
      const output = outputSide(side, kernel, stride, padding)
      return {
        compute: (input, weight) => convolve(jax, input, weight, stride, padding),
        operands: [channelsFirst(arrays.input), outputsFirst(arrays.weight)],
        shape: [batch, outputs, output, output],
      }
    }
    case 'max-pool-2d': {
      const output = outputSide(side, 3, 2, 1)
      return {
        // padding is zeros, which must not win against negative numbers
        compute: (input) => maxPool(jax, input.add(2), { kernel: 3, stride: 2, padding: 1 }).sub(2),
        operands: [channelsFirst(arrays.input)],
        shape: [batch, channels, output, output],
      }
    }
    case 'batch-norm-relu': {
      const { input, weight, bias, runningMean, runningVar } = arrays
      const perChannel = ({ data }) => ({ data, shape: [1, channels, 1, 1] })
      return {
        compute: (x, gamma, beta, mean, variance) => nn.relu(normalise(jax, x, { mean, variance, gamma, beta })),
        operands: [channelsFirst(input), ...[weight, bias, runningMean, runningVar].map(perChannel)],
        shape: [batch, channels, side, side],
      }
    }
  }
}

function convolve({ lax }, input, weight, stride, padding) {
  const both = [padding, padding]
  return lax.convGeneralDilated(input, weight, [stride, stride], [both, both])
}

function maxPool({ numpy: np, lax }, input, { kernel, stride, padding }) {
  const both = [padding, padding]
  const padded = padding > 0 ? np.pad(input, [[0, 0], [0, 0], both, both]) : input // prettier-ignore
  return lax.reduceWindow(padded, (window) => np.max(window), [kernel, kernel], [stride, stride])
}

function normalise({ numpy: np }, input, { mean, variance, gamma, beta }) {
  const scale = gamma.div(np.sqrt(variance.add(epsilon)))
  return input.sub(mean).mul(scale).add(beta)
}

/** A network: a function that gives its logits, or takes a training step and gives its loss. */
function networkOf(jax, network, adam) {
  const { jit, tree } = jax
  const isTrained = trainedNames(network, traceNetwork(network).parameters)
  const trained = {}
  const constants = {}
  for (const [name, array] of parametersOf(network)) {
    const statistic = /^(.*)\.running_(mean|var)$/.exec(name)
    if (statistic && isTrained(`${statistic[1]}.weight`)) continue // compiled functions take only what they use
    ;(isTrained(name) ? trained : constants)[name] = arrayOf(jax, array)
  }
  const images = arrayOf(jax, channelsFirst(operandsOf(network).input))
  const forward = (parameters, input) => runNetwork(operationsOf(jax, parameters, isTrained), network, input)
  if (!network.training) {
    const compiled = jit((parameters, input) => forward(parameters, input))
    return () => compiled(tree.ref(constants), images.ref)
  }
  const labels = arrayOf(jax, oneHotLabels(network))
  const lossOf = (parameters, others, input, oneHot) => {
    const logProbabilities = jax.nn.logSoftmax(forward({ ...parameters, ...others }, input))
    return jax.numpy.mean(jax.numpy.sum(logProbabilities.mul(oneHot), -1)).mul(-1)
  }
  return trainingOf(jax, { trained, adam, lossOf, rest: () => [tree.ref(constants), images.ref, labels.ref] })
}

/** A function that takes one step of Adam and gives the loss before it. */
function trainingOf({ numpy: np, jit, tree, valueAndGrad }, { trained, adam: { lr, eps }, lossOf, rest }) {
  const [beta1, beta2] = [0.9, 0.999]
  const lossAndGradients = valueAndGrad(lossOf)
  const compiled = jit((parameters, means, squares, correction1, correction2, ...others) => {
    const [loss, gradients] = lossAndGradients(tree.ref(parameters), ...others)
    const next = [{}, {}, {}]
    for (const name of Object.keys(parameters)) {
      const gradient = gradients[name]
      const mean = means[name].mul(beta1).add(gradient.ref.mul(1 - beta1))
      const square = squares[name].mul(beta2).add(np.square(gradient).mul(1 - beta2))
      const step = mean.ref.mul(correction1.ref).mul(lr)
      next[0][name] = parameters[name].sub(step.div(np.sqrt(square.ref.mul(correction2.ref)).add(eps)))
      next[1][name] = mean
      next[2][name] = square
    }
    correction1.dispose()
    correction2.dispose()
    return [loss, ...next]
  })
  const zeros = () => tree.map((array) => np.zeros(array.shape), trained)
  let state = [trained, zeros(), zeros()]
  let steps = 0
  return () => {
    steps++
    const corrections = [beta1, beta2].map((beta) => np.array([1 / (1 - beta ** steps)]))
    const [loss, ...next] = compiled(...state, ...corrections, ...rest())
    state = next
    return loss
  }
}

function operationsOf(jax, parameters, isTrained) {
  const { numpy: np, nn } = jax
  const perChannel = (name) => parameters[name].reshape([1, -1, 1, 1])
  return {
    conv2d(input, name, { stride, padding, bias }) {
      const output = convolve(jax, input, parameters[`${name}.weight`], stride, padding)
      return bias ? output.add(perChannel(`${name}.bias`)) : output
    },
    batchNorm2d(input, name) {
      const affine = { gamma: perChannel(`${name}.weight`), beta: perChannel(`${name}.bias`) }
      if (!isTrained(`${name}.weight`)) {
        const running = { mean: perChannel(`${name}.running_mean`), variance: perChannel(`${name}.running_var`) }
        return normalise(jax, input, { ...affine, ...running })
      }
      // running statistics are not kept, which spares it a little work
      const mean = (array) => np.mean(array, [0, 2, 3], { keepdims: true })
      const centred = input.sub(mean(input.ref))
      const variance = mean(np.square(centred.ref))
      return centred.mul(affine.gamma.div(np.sqrt(variance.add(epsilon)))).add(affine.beta)
    },
    relu: nn.relu,
    add: (left, right) => left.add(right),
    maxPool2d: (input, options) => maxPool(jax, input, options),
    globalAveragePool: (input) => np.mean(input, [2, 3]),
    adaptiveAveragePool(input, side) {
      const [batch, channels, from] = input.shape
      const matrix = np.array(adaptiveAverageMatrix(from, side), { shape: [from ** 2, side ** 2] })
      const pixels = input.reshape([batch * channels, from ** 2])
      return np.matmul(pixels, matrix).reshape([batch, channels, side, side])
    },
    flatten: (input) => input.reshape([input.shape[0], -1]),
    linear: (input, name) =>
      np.matmul(input, np.transpose(parameters[`${name}.weight`])).add(parameters[`${name}.bias`]),
    again: (value) => value.ref,
  }
}
