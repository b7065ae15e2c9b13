/** Other forms of a buffer's contents, such as packed weights: made when they are asked for, and again after changes. */
import { describe, expect, test, vi } from 'vitest'
import { DeviceBuffer } from '../../src/device/buffer.js'

function makeBuffer(onRelease: () => void = () => undefined): DeviceBuffer {
  return new DeviceBuffer({ id: 1, gpu: {} as GPUBuffer, offset: 0 }, 16, onRelease)
}

describe('a packed form', () => {
  function setUp() {
    const [source, other] = [makeBuffer(), makeBuffer()]
    const pack = vi.fn<(into: DeviceBuffer) => void>()
    const released = vi.fn<() => void>()
    const allocate = vi.fn(() => makeBuffer(released))
    const form = (others: readonly DeviceBuffer[] = [other]) => source.packed({ name: 'form', others, allocate, pack })
    return { source, other, pack, allocate, released, form }
  }

  test('is made once while nothing changes', () => {
    const { form, pack, allocate } = setUp()
    expect(form()).toBe(form())
    expect(pack).toHaveBeenCalledOnce()
    expect(allocate).toHaveBeenCalledOnce()
  })

  test.each(['source', 'other'] as const)('is made anew in the same memory when its %s changes', (changed) => {
    const setup = setUp()
    const before = setup.form()
    setup[changed].version++
    expect(setup.form()).toBe(before)
    expect(setup.form()).toBe(before)
    expect(setup.pack).toHaveBeenCalledTimes(2)
    expect(setup.pack).toHaveBeenLastCalledWith(before)
    expect(setup.allocate).toHaveBeenCalledOnce()
  })

  test('gets other memory when it is made of other buffers', () => {
    const { form, released } = setUp()
    const before = form()
    expect(form([makeBuffer()])).not.toBe(before)
    expect(released).toHaveBeenCalledOnce()
  })

  test('lives as long as its source', () => {
    const { source, form, released } = setUp()
    form()
    source.release()
    expect(released).toHaveBeenCalledOnce()
  })
})
