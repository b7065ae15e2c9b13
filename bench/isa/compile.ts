/**
 * The process that compiles: opens the engine on the GPU that its environment pretends (see driver.ts), records the cases
 * that it is asked for, and compiles every program that they use, one after the other. What the driver prints about
 * a program goes to stderr between two marks; what is known of the dispatches goes to stdout as JSON.
 */
import { writeSync } from 'node:fs'
import { Engine } from '../../src/autograd/engine.js'
import { openDevice } from '../../src/device/node.js'
import { PipelineCache } from '../../src/device/pipelines.js'
import { casesNamed } from './cases.js'
import { beginMark, endMark } from './driver-output.js'
import type { CompiledCase, CompiledCases, CompiledDispatch, CompileRequest } from './protocol.js'
import { type RecordedDispatch, RecordingDevice } from './recording-device.js'
import { uniformValues, workgroupInvocations } from './wgsl.js'

const host = await openDevice()
if (host.adapter.source !== 'system' || host.adapter.kind !== 'gpu') {
  throw new Error(`expected a GPU of the system, got ${host.adapter.name}`)
}
const device = new RecordingDevice(host)
const engine = new Engine(device)
const { cases: names, variant } = JSON.parse(process.argv[2] ?? '') as CompileRequest
if (variant) engine.tuner.restrict((method) => !('variant' in method) || method.variant === variant)

const programs = new Map<string, RecordedDispatch['program']>()
const cases: CompiledCase[] = []
for (const { benchmark } of casesNamed(names)) {
  const { name, shape } = benchmark
  const { run, multiplyAdds } = await benchmark.prepare(engine)
  device.takeRecorded()
  engine.scope(run)
  cases.push({ name, shape, multiplyAdds, dispatches: device.takeRecorded().map(describe) })
}

const pipelines = new PipelineCache(host, device.limits.storageBuffers)
for (const [i, program] of [...programs.values()].entries()) {
  mark(beginMark(i))
  await pipelines.get(program).ready
  mark(endMark(i))
}
const compiled: CompiledCases = { adapter: host.adapter.name, driver: host.adapter.driver, cases }
process.stdout.write(JSON.stringify(compiled))
engine.destroy()

function describe({ program, bindings, uniforms, workgroups, work }: RecordedDispatch): CompiledDispatch {
  const code = program.code()
  programs.set(program.key, program)
  const ranges = new Map(bindings.map(({ buffer, offset, size }) => [`${buffer.id} ${offset}`, size]))
  return {
    kernel: program.name,
    template: JSON.parse(program.key.slice(program.name.length)) as CompiledDispatch['template'],
    program: [...programs.keys()].indexOf(program.key),
    workgroups: workgroups[0] * workgroups[1] * workgroups[2],
    invocations: workgroupInvocations(code),
    multiplyAdds: work / 2,
    bytes: [...ranges.values()].reduce((sum, size) => sum + size, 0),
    uniforms: uniformValues(code, uniforms?.data),
  }
}

/** Written at once: the driver writes to the same file without Node knowing. */
function mark(line: string): void {
  writeSync(2, `${line}\n`)
}
