/**
 * The strict WGSL template loader. `wgsl-preprocessor` expands `#if ${name}` ... `#elif ${name}` ... `#else` ... `#endif`
 * and `${name}`; this wrapper refuses what it would silently print as text: undefined and non-finite values.
 */
import { wgsl } from 'wgsl-preprocessor/wgsl-preprocessor.js'
import { KernelError } from '../device/errors.js'

/** Values that change the code of a kernel. Shapes are not among them: they travel as uniforms. */
export type TemplateValues = Readonly<Record<string, string | number | boolean>>

const placeholder = /\$\{([^}]*)\}/

/**
 * Expands a WGSL template.
 *
 * @param kernel the kernel's name, for errors
 * @throws KernelError when a placeholder has no value, when a value is not a finite number, a boolean or a string, and
 *   when a value is used nowhere
 */
export function expandTemplate(kernel: string, text: string, values: TemplateValues): string {
  const pieces = text.split(placeholder) // text, name, text, name, ..., text
  const strings = pieces.filter((_piece, i) => i % 2 === 0)
  const names = pieces.filter((_piece, i) => i % 2 === 1)
  for (const name of Object.keys(values)) {
    if (!names.includes(name)) throw new KernelError(kernel, `the template has no placeholder \${${name}}`)
  }
  const substitutes = names.map((name) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) {
      throw new KernelError(kernel, `the template value \${${name}} is ${String(value)}`)
    }
    return value
  })
  try {
    return wgsl(strings, ...substitutes)
  } catch (error) {
    throw new KernelError(kernel, (error as Error).message)
  }
}
