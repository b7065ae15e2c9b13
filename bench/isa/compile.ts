/**
 * The process that compiles: opens the engine on the GPU that its environment pretends (see driver.ts), records the cases
 * that its arguments name, and compiles every program that they use, one after the other. What the driver prints about
 * a program goes to stderr between two marks; what is known of the dispatches goes to stdout as JSON.
 */
import { writeSync } from 'node:fs'
import { Engine } from '../../src/autograd/engine.js'
import { openDevice } from '../../src/device/node.js'
import { PipelineCache } from '../../src/device/pipelines.js'
import { casesNamed } from './cases.js'
import { beginMark, endMark } from './driver-output.js'
import type { CompiledCases, CompiledDispatch } from './protocol.js'
import { type RecordedDispatch, RecordingDevice } from './recording-device.js'
import { uniformValues, workgroupInvocations } from './wgsl.js'

const host = await openDevice()
if (host.adapter.source !== 'system' || host.adapter.kind !== 'gpu') {
  throw new Error(`expected a GPU of the system, got ${host.adapter.name}`)
}
const device = new RecordingDevice(host)
const engine = new Engine(device)

const programs = new Map<string, RecordedDispatch['program']>()
const dispatches: CompiledDispatch[] = []
for (const { benchmark } of casesNamed(process.argv.slice(2))) {
  const prepared = await benchmark.prepare(engine)
  device.takeRecorded()
  engine.scope(prepared.run)
  for (const dispatch of device.takeRecorded()) {
    const { program } = dispatch
    programs.set(program.key, program)
    dispatches.push({ case: benchmark.name, shape: benchmark.shape, ...describe(dispatch) })
  }
}

const pipelines = new PipelineCache(host, device.limits.storageBuffers)
for (const [i, program] of [...programs.values()].entries()) {
  mark(beginMark(i))
  await pipelines.get(program).ready
  mark(endMark(i))
}
const compiled: CompiledCases = { adapter: host.adapter.name, driver: host.adapter.driver, dispatches }
process.stdout.write(JSON.stringify(compiled))
engine.destroy()

function describe({ program, bindings, uniforms, workgroups, work }: RecordedDispatch) {
  const code = program.code()
  const ranges = new Map(bindings.map(({ buffer, offset, size }) => [`${buffer.id} ${offset}`, size]))
  return {
    kernel: program.name,
    template: JSON.parse(program.key.slice(program.name.length)) as CompiledDispatch['template'],
    program: [...programs.keys()].indexOf(program.key),
    workgroups: workgroups[0] * workgroups[1] * workgroups[2],
    invocations: workgroupInvocations(code),
    multiplyAdds: work / 2,
    bytes: [...ranges.values()].reduce((sum, size) => sum + size, 0),
    uniforms: uniformValues(code, uniforms),
  }
}

/** Written at once: the driver writes to the same file without Node knowing. */
function mark(line: string): void {
  writeSync(2, `${line}\n`)
}
