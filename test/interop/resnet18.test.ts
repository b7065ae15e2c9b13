/** ResNet-18, the smallest of the networks, in all the ways in which weights are saved. */
import { useEngine } from '../support/engine.js'
import { exportSuite } from './export-suite.js'
import { importSuite } from './import-suite.js'

const holder = useEngine()

importSuite(holder, 'resnet18', [
  'safetensors',
  'safetensors-float16',
  'safetensors-bfloat16',
  'safetensors-float64',
  'safetensors-sharded',
])
importSuite(holder, 'resnet18', [
  'pth',
  'pth-state_dict',
  'pth-model',
  'pth-module',
  'pth-_orig_mod',
  'pth-parameters',
  'pth-channels-last',
  'pth-one-storage',
  'pth-float16',
  'pth-sharded',
  'pth-legacy',
  'pth-legacy-state_dict',
  'pth-legacy-parameters',
])
importSuite(holder, 'resnet18', ['npz', 'npz-compressed'])
importSuite(holder, 'resnet18', ['onnx-folded', 'onnx-unfolded', 'onnx-untrained', 'onnx-training'])
exportSuite(holder, 'resnet18')
