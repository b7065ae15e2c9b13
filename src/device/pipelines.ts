/**
 * Compiled pipelines by program key. Each program is compiled once: asynchronously and in parallel when its first
 * dispatch is recorded, synchronously only when the commands that wait for it grow too many.
 */
import { uniformStride } from './commands.js'
import { KernelError, ShaderError } from './errors.js'
import type { DeviceHost } from './host.js'
import type { Program } from './program.js'

/** A pipeline that is compiled or on its way. */
export interface PipelineEntry {
  readonly program: Program
  readonly bindGroupLayout: GPUBindGroupLayout
  pipeline: GPUComputePipeline | undefined
  /** Settles when `pipeline` is set; rejects with a `ShaderError`. */
  ready: Promise<void>
}

const computeStage = 4 // GPUShaderStage.COMPUTE

export class PipelineCache {
  readonly #entries = new Map<string, PipelineEntry>()
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>()
  /** The layout of group 1: one uniform struct at a dynamic offset. */
  private readonly uniformLayout: GPUBindGroupLayout

  constructor(
    private readonly host: DeviceHost,
    private readonly maxStorageBuffers: number,
  ) {
    this.uniformLayout = host.device.createBindGroupLayout({
      label: 'uniforms',
      entries: [{ binding: 0, visibility: computeStage, buffer: { type: 'uniform', hasDynamicOffset: true } }],
    })
  }

  get size(): number {
    return this.#entries.size
  }

  /** The entry of a program; the first call starts to compile it. */
  get(program: Program): PipelineEntry {
    let entry = this.#entries.get(program.key)
    if (!entry) this.#entries.set(program.key, (entry = this.#compile(program)))
    return entry
  }

  /** Group 1 for uniform structs that lie in `buffer`, each at a multiple of `uniformStride`. */
  uniformGroup(buffer: GPUBuffer): GPUBindGroup {
    return this.host.device.createBindGroup({
      label: 'uniforms',
      layout: this.uniformLayout,
      entries: [{ binding: 0, resource: { buffer, size: uniformStride } }],
    })
  }

  /** Compiles on the spot what is still on its way. */
  finishNow(entry: PipelineEntry): GPUComputePipeline {
    entry.pipeline ??= this.host.device.createComputePipeline(this.#descriptor(entry.program).descriptor)
    return entry.pipeline
  }

  #compile(program: Program): PipelineEntry {
    const { descriptor, module, code } = this.#descriptor(program)
    const entry: PipelineEntry = {
      program,
      bindGroupLayout: this.#layout(program).group,
      pipeline: undefined,
      ready: Promise.resolve(),
    }
    entry.ready = this.host
      .asynchronous(() => this.host.device.createComputePipelineAsync(descriptor))
      .then(
        (pipeline) => {
          entry.pipeline ??= pipeline
        },
        async (error: unknown) => {
          this.#entries.delete(program.key)
          throw await this.#explain(program, module, code, error)
        },
      )
    entry.ready.catch(() => undefined) // whoever submits the commands awaits it again and reports
    return entry
  }

  #descriptor(program: Program) {
    const code = program.code()
    const { device } = this.host
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ label: program.name, code })
    // what is reported is the failure of the pipeline that is made of it
    this.host.asynchronous(() => device.popErrorScope()).catch(() => undefined)
    const descriptor: GPUComputePipelineDescriptor = {
      label: program.name,
      layout: this.#layout(program).pipeline,
      compute: { module, entryPoint: 'main' },
    }
    return { descriptor, module, code }
  }

  #layout(program: Program): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    if (program.bindings.length > this.maxStorageBuffers) {
      throw new KernelError(
        program.name,
        `has ${program.bindings.length} storage bindings, the device allows ${this.maxStorageBuffers}`,
      )
    }
    const key = program.bindings.map(({ access }) => access[0]).join('') + (program.uniformBytes > 0 ? '+u' : '')
    let layout = this.#layouts.get(key)
    if (!layout) {
      const { device } = this.host
      const group = device.createBindGroupLayout({
        label: key,
        entries: program.bindings.map(({ access }, binding) => ({
          binding,
          visibility: computeStage,
          buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
        })),
      })
      const bindGroupLayouts = program.uniformBytes > 0 ? [group, this.uniformLayout] : [group]
      layout = { group, pipeline: device.createPipelineLayout({ label: key, bindGroupLayouts }) }
      this.#layouts.set(key, layout)
    }
    return layout
  }

  async #explain(program: Program, module: GPUShaderModule, code: string, error: unknown): Promise<Error> {
    const info = await this.host.asynchronous(() => module.getCompilationInfo()).catch(() => undefined)
    const message = info?.messages.find(({ type }) => type === 'error')
    const detail = message?.message ?? (error instanceof Error ? error.message : String(error))
    return new ShaderError(program.name, detail, numberLines(code), message?.lineNum)
  }
}

function numberLines(code: string): string {
  return code
    .split('\n')
    .map((line, index) => `${String(index + 1).padStart(4)} | ${line}`)
    .join('\n')
}
