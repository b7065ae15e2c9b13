/** The measured peaks of an adapter. What the clock says is not asserted. */
import { expect, test } from 'vitest'
import { createEngine } from '../../src/autograd/engine.js'
import { measurePeaks } from '../../src/tuning/peaks.js'
import { tinyLimits, useEngine } from '../support/engine.js'

const holder = useEngine()
const lesser = useEngine({ requiredLimits: tinyLimits })

test('are speeds, measured once, and their memory is given back', async () => {
  for (const { engine } of [holder, lesser]) {
    engine.device.trim()
    const before = engine.memory()
    const peaks = await measurePeaks(engine.device)
    for (const speed of Object.values(peaks) as number[]) {
      expect(speed).toBeGreaterThan(0)
      expect(speed).toBeLessThan(Infinity)
    }
    expect(await measurePeaks(engine.device)).toBe(peaks)
    expect(engine.memory()).toMatchObject({ inUse: before.inUse, reserved: before.reserved })
  }
})

test('need no more memory than there is', async () => {
  const engine = await createEngine({ memoryLimit: 2 ** 22 })
  try {
    expect((await measurePeaks(engine.device)).bytesPerSecond).toBeGreaterThan(0)
    expect(engine.memory().peak).toBeLessThanOrEqual(2 ** 22)
  } finally {
    engine.destroy()
  }
})
