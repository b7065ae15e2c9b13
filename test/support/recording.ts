/** What a device is told between two moments: dispatches with their uniforms, and what a step does besides them. */
import { vi } from 'vitest'
import type { Device } from '../../src/device/device.js'
import type { Uniforms } from '../../src/device/program.js'

export interface Recording {
  /** The names of the kernels, in the order of the dispatches. */
  readonly kernels: readonly string[]
  /** The uniforms of each dispatch, as they are in memory. */
  uniforms(): string[]
  /** Does what a replay of the recorded commands does before they run: the effects of the step, then new uniforms. */
  refresh(): void
}

/** Runs a synchronous function and tells what it recorded. */
export function recordingOf(device: Device, body: () => void): Recording {
  const effects: (() => void)[] = []
  const dispatches: { readonly kernel: string; readonly uniforms: Uniforms | undefined }[] = []
  const dispatch = vi.spyOn(device, 'dispatch')
  const everyStep = vi.spyOn(device, 'everyStep')
  try {
    body()
    for (const [program, , uniforms] of dispatch.mock.calls) dispatches.push({ kernel: program.name, uniforms })
    for (const [effect] of everyStep.mock.calls) effects.push(effect)
  } finally {
    dispatch.mockRestore()
    everyStep.mockRestore()
  }
  return {
    kernels: dispatches.map(({ kernel }) => kernel),
    uniforms: () => dispatches.map(({ uniforms }) => (uniforms ? Buffer.from(uniforms.data).toString('hex') : '')),
    refresh() {
      for (const effect of effects) effect()
      for (const { uniforms } of dispatches) uniforms?.refresh?.()
    },
  }
}
