/** VGG-16 without and with batch norm. Files of 553 MB, so a few of them at a time. */
import { useEngine } from '../support/engine.js'
import { exportSuite } from './export-suite.js'
import { importSuite } from './import-suite.js'

const holder = useEngine()

importSuite(holder, 'vgg16', ['safetensors', 'pth'])
importSuite(holder, 'vgg16', ['pth-legacy', 'npz'])
importSuite(holder, 'vgg16', ['keras', 'onnx-folded'])
importSuite(holder, 'vgg16', ['onnx-unfolded'])
importSuite(holder, 'vgg16_bn', ['safetensors', 'pth'])
importSuite(holder, 'vgg16_bn', ['pth-legacy', 'npz'])
importSuite(holder, 'vgg16_bn', ['onnx-training'])
importSuite(holder, 'vgg16_bn', ['onnx-folded'], 'vgg16') // there is nothing left of the batch norms
exportSuite(holder, 'vgg16_bn')
