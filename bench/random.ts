import type { Device } from '../src/device/device.js'
import type { DeviceBuffer } from '../src/device/buffer.js'
import { fillNormal } from '../src/kernels/random/normal.js'
import { fillUniform } from '../src/kernels/random/uniform.js'
import { type BenchmarkCase, suite } from './support/case.js'

const random = { seed: 1, stream: 1 }

export default suite(
  'random',
  draw('random_uniform', (device, output, size) => fillUniform(device, { output, size, low: -1, high: 1, random })),
  draw('random_normal', (device, output, size) => fillNormal(device, { output, size, mean: 0, std: 1, random })),
)

function draw(name: string, run: (device: Device, output: DeviceBuffer, size: number) => void): BenchmarkCase {
  return {
    name,
    shape: '2048x2048',
    prepare(engine) {
      const output = engine.empty([2048, 2048])
      return { run: () => run(engine.device, output.buffer, output.size), bytes: 4 * output.size }
    },
  }
}
