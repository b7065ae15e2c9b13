/** Environment variables, which in Node are also how the Vulkan loader is told what to do. */

/** The value of an environment variable; an empty one counts as not set, as the XDG specification has it. */
export function environmentVariable(name: string): string | undefined {
  const value = process.env[name]
  return value === '' ? undefined : value
}

/** Runs a function (its synchronous part) with environment variables set, then puts the old values back. */
export function withEnvironment<T>(variables: Readonly<Record<string, string>>, run: () => T): T {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, variables)
  try {
    return run()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  }
}
