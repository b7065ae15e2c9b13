/** What the peers' scripts import: they are JavaScript, because the peers' packages need not be installed. */
export { adaptiveAverageMatrix, runNetwork } from '../support/architectures.js'
export { outputSide, paddingOf } from '../support/compared.js'
export { traceNetwork, trainedNames } from '../support/trace.js'
export { answerRequest, UnsupportedError } from './measure-peer.js'
export {
  channelsFirst,
  channelsLast,
  oneHotLabels,
  operandsOf,
  outputsFirst,
  outputsLast,
  parametersOf,
} from './operands.js'
export { modelFile } from './protocol.js'
