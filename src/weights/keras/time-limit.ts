/** Runs a task and gives its result. */
export type Runner = <T>(task: () => T) => T

/**
 * A runner that throws an error with the code `ERR_SCRIPT_EXECUTION_TIMEOUT` where a task has not ended in time. It stops
 * loops in WebAssembly too, which nothing else can do in the same thread.
 *
 * The task ends where it is: no `catch` and no `finally` in it runs. What it was about must be thrown away. Node only.
 */
export async function timeLimit(seconds: number): Promise<Runner> {
  const { createContext, Script } = await import('node:vm')
  const script = new Script('task()')
  const context: { task?: () => unknown } = {}
  createContext(context)
  return <T>(task: () => T) => {
    context.task = task
    return script.runInContext(context, { timeout: seconds * 1000 }) as T
  }
}
