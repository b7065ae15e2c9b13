/**
 * A kernel is a WGSL file and a description of it. `defineKernel` joins the two: it writes the declarations of the
 * bindings and of the uniform struct in front of the WGSL text, so that names and order exist in one place only, and
 * turns named buffers and numbers into a dispatch.
 *
 * What lives in src/kernels: one folder per kernel family, one file per kernel; shapes and buffers.
 * What does not: tensors, gradients, and which kernel an operation needs.
 */
import { type BufferRange, DeviceBuffer, wholeBuffer } from '../device/buffer.js'
import type { Device } from '../device/device.js'
import { uniformStride } from '../device/commands.js'
import { KernelError } from '../device/errors.js'
import type { Program, Uniforms, Workgroups } from '../device/program.js'
import { expandTemplate, type TemplateValues } from './template.js'

/** A storage binding: `element` is the WGSL element type of its array; it may contain template placeholders. */
export interface BindingDeclaration {
  readonly access: 'read' | 'write'
  readonly element: string
  /** Whether the elements are f32 or f16, as the buffer says that is bound; see `readFloats`. */
  readonly floats?: boolean
  /** The template value that says whether such elements come in fours; without one, they do not. */
  readonly fours?: string | undefined
}

/** A buffer that the kernel only reads. */
export const read = (element = 'f32'): BindingDeclaration => ({ access: 'read', element })
/** A buffer that the kernel writes, and may read. */
export const write = (element = 'f32'): BindingDeclaration => ({ access: 'write', element })

/**
 * A buffer of f32 or of f16, that the kernel only reads. The WGSL text computes with f32 all the same: it converts what it loads,
 * `Value(input[i])`, and what it stores, `output[i] = OutputElement(result)`. `InputElement` and so on are the types of the
 * arrays' elements: f32, f16, or vectors of four of them.
 *
 * @param fours the template value that says whether the elements are vectors of four
 */
export const readFloats = (fours?: string): BindingDeclaration => ({ access: 'read', element: '', floats: true, fours })
/** A buffer of f32 or of f16 that the kernel writes, and may read; see `readFloats`. */
export const writeFloats = (fours?: string): BindingDeclaration => ({ ...readFloats(fours), access: 'write' })

export type UniformType = 'u32' | 'i32' | 'f32'

/** A number, or a function where the number differs from step to step: see `Uniforms.refresh`. */
export type UniformValue = number | (() => number)

/** The number that a uniform is now. */
export function valueOf(uniform: UniformValue): number {
  return typeof uniform === 'function' ? uniform() : uniform
}

export interface KernelDescription<B extends string, U extends string> {
  /** `family/kernel`, the same as the path of the WGSL file below shaders/. */
  readonly name: string
  readonly source: string
  /** In the order of their binding numbers; the WGSL text calls them by these names. */
  readonly bindings: Readonly<Record<B, BindingDeclaration>>
  /** Members of the uniform struct, which the WGSL text calls `uniforms`. All are four bytes wide. */
  readonly uniforms: Readonly<Record<U, UniformType>>
}

export interface DispatchArguments<B extends string, U extends string> {
  readonly template?: TemplateValues
  readonly bindings: Readonly<Record<B, DeviceBuffer | BufferRange>>
  readonly uniforms: Readonly<Record<U, UniformValue>>
  readonly workgroups: Workgroups
  /**
   * Arithmetic operations, which bound a submit and which profiles tell: two for each multiply-add, one for each other
   * operation on an element or function of it, and one for an element that only moves. Index arithmetic does not count.
   */
  readonly work?: number
}

export interface Kernel<B extends string, U extends string> {
  readonly name: string
  dispatch(device: Device, dispatch: DispatchArguments<B, U>): void
}

export function defineKernel<const B extends string, const U extends string = never>(
  description: KernelDescription<B, U>,
): Kernel<B, U> {
  const { name, source } = description
  const bindingNames = Object.keys(description.bindings) as B[]
  const uniformNames = Object.keys(description.uniforms) as U[]
  if (uniformNames.length * 4 > uniformStride) throw new KernelError(name, 'has more uniforms than fit 256 bytes')
  texts.set(name, `${declarations(description, [])}\n${source}`)
  const programs = new Map<string, Program>()

  const programFor = (template: TemplateValues, halves: readonly B[]): Program => {
    const key = `${name} ${JSON.stringify(template)}${halves.length > 0 ? ` f16: ${halves.join(' ')}` : ''}`
    let program = programs.get(key)
    if (!program) {
      program = {
        name,
        key,
        bindings: bindingNames.map((binding) => ({
          name: binding,
          access: description.bindings[binding].access,
        })),
        uniformBytes: uniformNames.length * 4,
        code: () =>
          withDirectivesFirst(expandTemplate(name, `${declarations(description, halves)}\n${source}`, template)),
      }
      programs.set(key, program)
    }
    return program
  }

  /** The bindings whose buffers are f16. */
  const halvesAmong = (ranges: readonly BufferRange[]): readonly B[] => {
    if (!ranges.some(({ buffer }) => buffer.half)) return none // nothing new for the garbage collector in each dispatch
    const halves = bindingNames.filter((_binding, i) => ranges[i]!.buffer.half)
    const refused = halves.find((binding) => !description.bindings[binding].floats)
    if (refused) throw new KernelError(name, `f16 is not supported for "${refused}"`)
    return halves
  }

  return {
    name,
    dispatch(device, { template = {}, bindings, uniforms, workgroups, work }) {
      const ranges = bindingNames.map((binding): BufferRange => {
        const given: DeviceBuffer | BufferRange = bindings[binding]
        return given instanceof DeviceBuffer ? wholeBuffer(given) : given
      })
      const packed = packUniforms(description, uniformNames, uniforms)
      device.dispatch(programFor(template, halvesAmong(ranges)), ranges, packed, workgroups, work)
    },
  }
}

/** Declarations and WGSL text of all kernels that there are, before their templates are expanded. */
const texts = new Map<string, string>()

/** The texts of all kernels whose names begin with `prefix`, in a fixed order: another text, another speed. */
export function kernelTexts(prefix: string): string {
  const names = [...texts.keys()].filter((name) => name.startsWith(prefix)).sort()
  return names.map((name) => `${name}\n${texts.get(name)!}\n`).join('')
}

const none: readonly never[] = []

/** @param halves the bindings whose elements are f16 */
function declarations({ bindings, uniforms }: KernelDescription<string, string>, halves: readonly string[]): string {
  const lines = halves.length > 0 ? ['enable f16;'] : []
  for (const [i, [name, { access, element, floats, fours }]] of Object.entries(bindings).entries()) {
    const alias = `${name[0]!.toUpperCase()}${name.slice(1)}Element`
    if (floats) lines.push(...floatAlias(alias, halves.includes(name) ? 'f16' : 'f32', fours))
    const mode = access === 'read' ? 'read' : 'read_write'
    lines.push(`@group(0) @binding(${i}) var<storage, ${mode}> ${name}: array<${floats ? alias : element}>;`)
  }
  const members = Object.entries(uniforms).map(([name, type]) => `  ${name}: ${type},`)
  if (members.length > 0) {
    lines.push('struct Uniforms {', ...members, '}', '@group(1) @binding(0) var<uniform> uniforms: Uniforms;')
  }
  return lines.join('\n')
}

function floatAlias(alias: string, type: 'f32' | 'f16', fours: string | undefined): string[] {
  const single = `alias ${alias} = ${type};`
  if (fours === undefined) return [single]
  return [`#if \${${fours}}`, `alias ${alias} = vec4<${type}>;`, '#else', single, '#endif']
}

/** WGSL wants its directives before every declaration; includes bring theirs with them. */
function withDirectivesFirst(code: string): string {
  const directive = /^[ \t]*(?:enable|requires|diagnostic)\b[^;]*;/gm
  return [...(code.match(directive) ?? []), code.replace(directive, '')].join('\n')
}

function packUniforms(
  { name, uniforms: types }: KernelDescription<string, string>,
  names: readonly string[],
  values: Readonly<Record<string, UniformValue>>,
): Uniforms | undefined {
  if (names.length === 0) return undefined
  const view = new DataView(new ArrayBuffer(names.length * 4))
  const varying: (() => void)[] = []
  for (const [i, uniform] of names.entries()) {
    const given = values[uniform]!
    const type = types[uniform]!
    const put = () => {
      const value = valueOf(given)
      if (!isOfType(value, type)) {
        throw new KernelError(name, `the uniform "${uniform}" is ${value}, which is no ${type}`)
      }
      if (type === 'f32') view.setFloat32(i * 4, value, true)
      else if (type === 'i32') view.setInt32(i * 4, value, true)
      else view.setUint32(i * 4, value, true)
    }
    if (typeof given === 'function') varying.push(put)
    else put()
  }
  const refresh = () => {
    for (const put of varying) put()
  }
  return { data: view.buffer, refresh: varying.length > 0 ? refresh : undefined }
}

function isOfType(value: unknown, type: UniformType): boolean {
  if (typeof value !== 'number' || Number.isNaN(value)) return false
  if (type === 'f32') return true
  return value === (type === 'u32' ? value >>> 0 : value | 0)
}
