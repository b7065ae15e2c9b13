/** ResNet-50 and ResNet-101: bottlenecks. */
import { useEngine } from '../support/engine.js'
import { exportSuite } from './export-suite.js'
import { importSuite } from './import-suite.js'

const holder = useEngine()

importSuite(holder, 'resnet50', ['safetensors', 'pth', 'pth-legacy', 'npz', 'keras', 'onnx-folded', 'onnx-unfolded'])
importSuite(holder, 'resnet101', ['safetensors', 'pth', 'pth-legacy', 'npz', 'onnx-folded', 'onnx-unfolded'])
exportSuite(holder, 'resnet50')
