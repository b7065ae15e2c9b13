/** What a program's complete WGSL text says about its dispatches. */

/** The invocations of a workgroup. Throws an `Error` where the sizes are not numbers, constants, or products of them. */
export function workgroupInvocations(code: string): number {
  const sizes = /@workgroup_size\(([^)]*)\)/.exec(code)?.[1]
  if (sizes === undefined) throw new Error('the program has no @workgroup_size')
  const factors = sizes.split(/[,*]/).map((factor) => factor.trim())
  return factors.filter(Boolean).reduce((product, factor) => product * valueOf(code, factor), 1)
}

function valueOf(code: string, term: string): number {
  const literal = /^(\d+)[iu]?$/.exec(term)?.[1]
  if (literal !== undefined) return Number(literal)
  const definition = /^\w+$/.test(term) && new RegExp(`\\bconst ${term}\\b[^=]*=([^;]*);`).exec(code)?.[1]
  if (!definition) throw new Error(`the workgroup size "${term}" is neither a number nor a constant`)
  return definition.split('*').reduce((product, factor) => product * valueOf(code, factor.trim()), 1)
}

/** The values of a packed uniform struct by name, as the struct's declaration in the text orders them. */
export function uniformValues(code: string, uniforms: ArrayBuffer | undefined): Record<string, number> {
  const members = /struct Uniforms \{([^}]*)\}/.exec(code)?.[1]
  if (!uniforms || members === undefined) return {}
  const view = new DataView(uniforms)
  const values: Record<string, number> = {}
  for (const [i, [, name = '', type]] of [...members.matchAll(/(\w+): ([iuf])32,/g)].entries()) {
    if (type === 'f') values[name] = view.getFloat32(i * 4, true)
    else values[name] = type === 'i' ? view.getInt32(i * 4, true) : view.getUint32(i * 4, true)
  }
  return values
}
