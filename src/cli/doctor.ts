/**
 * `daybreak doctor`: what this machine offers, what Daybreak would use, and whether its kernels compute rightly there. Its
 * output is made to be pasted into a bug report.
 */
import os from 'node:os'
import Table from 'cli-table3'
import packageJson from '../../package.json' with { type: 'json' }
import { createEngine, type Engine } from '../autograd/engine.js'
import {
  byKernel,
  type CheckResult,
  type KernelCheck,
  type KernelResult,
  checksFor,
  selfTest,
  selfTestChecks,
} from '../autograd/self-test/index.js'
import { formatBytes } from '../device/errors.js'
import { listAdapters } from '../device/node.js'
import { describeAdapter } from './recipe.js'

/** Variables that change which driver is found. */
const environment = ['DAYBREAK_ADAPTER', 'VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'VK_LOADER_DRIVERS_SELECT']

export interface DoctorOptions {
  readonly adapter?: string
}

/** Prints everything; sets the process's exit code to 1 when a kernel is wrong. Throws `AdapterNotFoundError`. */
export async function doctor(options: DoctorOptions): Promise<void> {
  await examine(options, selfTestChecks)
}

/** The same with checks of the caller's choice. */
export async function examine(options: DoctorOptions, checks: readonly KernelCheck[]): Promise<void> {
  printRows('Versions', versions())
  const adapters = await listAdapters()
  printRows(
    'Adapters',
    adapters.map(({ name, backend, kind, source }) => [name, `${kind}, ${backend}, ${source} driver`]),
  )
  const engine = await createEngine({ adapter: options.adapter, tune: 'off' })
  try {
    printRows('Chosen', [...chosen(engine), ...limits(engine)])
    const kernels = byKernel(await runSelfTest(engine, checksFor(engine, checks)))
    report(kernels)
    printRows('Memory', memory(engine))
  } finally {
    engine.destroy()
  }
}

function versions(): string[][] {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const glibc = report.header?.glibcVersionRuntime
  return [
    ['daybreak', packageJson.version],
    ['webgpu (Dawn)', packageJson.dependencies.webgpu],
    ['Node', `${process.version}, ${process.arch}`],
    ['system', `${os.type()} ${os.release()}${glibc === undefined ? '' : `, glibc ${glibc}`}`],
    ['processor', `${os.availableParallelism()} x ${os.cpus()[0]?.model ?? 'unknown'}, ${formatBytes(os.totalmem())}`],
    ...environment.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  ]
}

function chosen(engine: Engine): string[][] {
  const { adapter, features } = engine.device
  return [
    ['adapter', describeAdapter(engine)],
    ['driver', adapter.driver],
    ['vendor', [adapter.vendor, adapter.architecture].filter((part) => part !== '').join(', ')],
    ['features', [...features].sort().join(', ')],
  ]
}

function limits(engine: Engine): string[][] {
  const { limits: device, workgroupSize } = engine.device
  return [
    ['largest binding', formatBytes(device.bindingSize)],
    ['offset alignment', `${device.offsetAlignment} bytes`],
    ['storage buffers', `${device.storageBuffers} in a kernel`],
    [
      'workgroup',
      `${device.workgroupInvocations} invocations (${workgroupSize} used), ${formatBytes(device.workgroupMemory)}`,
    ],
    ['grid', `${device.workgroupsPerDimension} workgroups in a dimension`],
  ]
}

function memory(engine: Engine): string[][] {
  const { inUse, reserved, peak } = engine.memory()
  return [
    ['GPU', `${formatBytes(reserved)} reserved, ${formatBytes(inUse)} in use, at most ${formatBytes(peak)} in use`],
    ['process', formatBytes(process.memoryUsage.rss())],
  ]
}

async function runSelfTest(engine: Engine, checks: readonly KernelCheck[]): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  const start = performance.now()
  const { isTTY } = process.stderr
  for await (const result of selfTest(engine, checks)) {
    results.push(result)
    if (isTTY) process.stderr.write(`\r\x1b[Kself-test ${results.length}/${checks.length}: ${result.kernel}`)
  }
  if (isTTY) process.stderr.write('\r\x1b[K')
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`Self-test: ${results.length} checks against results of the CPU in ${seconds} s`)
  return results
}

function report(kernels: readonly KernelResult[]): void {
  const table = new Table({
    head: ['kernel', 'checks', 'result', 'output error', 'gradient error', 'allowed'],
    colAligns: ['left', 'right', 'left', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { kernel, ok, checks, outputError, gradientError, tolerance } of kernels) {
    const figures = [outputError, gradientError, tolerance].map((figure) => figure.toExponential(1))
    table.push([kernel, checks, ok ? 'ok' : 'ERROR', ...figures])
  }
  console.log(`${table.toString()}\n`)
  const failed = kernels.filter(({ ok }) => !ok)
  if (failed.length === 0) {
    console.log('Every kernel computes what it should.\n')
    return
  }
  process.exitCode = 1
  for (const { kernel, problems } of failed) for (const problem of problems) console.log(`${kernel}: ${problem}`)
  console.log(
    `\n${failed.length} of ${kernels.length} kernels are wrong on this adapter, so what it trains cannot be trusted.\n` +
      'What helps:\n' +
      '  - a newer driver for the GPU, then "daybreak doctor" again\n' +
      '  - another adapter: "daybreak doctor --adapter swiftshader" checks the bundled software driver\n' +
      '  - a bug report with everything that was printed here\n',
  )
}

function printRows(title: string, rows: readonly (readonly string[])[]): void {
  const width = Math.max(...rows.map(([name = '']) => name.length))
  console.log(title)
  for (const [name = '', value = ''] of rows) console.log(`  ${name.padEnd(width)}  ${value}`)
  console.log()
}
