/** Which cases and peers a comparison takes, and that all engines begin with the same numbers. */
import { describe, expect, test } from 'vitest'
import { listPeers, selectPeers } from '../../../bench/peers/list.js'
import { channelsFirst, channelsLast, oneHotLabels, outputsFirst, outputsLast } from '../../../bench/peers/operands.js'
import { selectCompared } from '../../../bench/peers/select.js'
import { comparedCases } from '../../../bench/support/compared.js'

const namesOf = (cases: readonly { name: string }[]) => cases.map(({ name }) => name)
const peers = listPeers('peers', 'compiled')

describe('selectCompared', () => {
  test('everything by default, less for a quick or a cold run, and what both have in common', () => {
    expect(selectCompared([])).toEqual(comparedCases)
    const quick = namesOf(selectCompared([], { quick: true }))
    const cold = namesOf(selectCompared([], { cold: true }))
    expect(quick).toContain('mm512')
    expect(cold).not.toContain('mm512')
    const both = namesOf(selectCompared([], { quick: true, cold: true }))
    expect(both).toEqual(quick.filter((name) => cold.includes(name)))
  })

  test('names win, families too', () => {
    expect(namesOf(selectCompared(['mm512'], { quick: true }))).toEqual(['mm512'])
    expect(selectCompared(['matmul']).every(({ kind }) => kind === 'matmul')).toBe(true)
    expect(() => selectCompared(['mm513'])).toThrow('mm513')
  })
})

test('Daybreak is always among the peers', () => {
  expect(selectPeers(peers, [])).toBe(peers)
  expect(namesOf(selectPeers(peers, ['jax-js-webgpu']))).toEqual(['daybreak', 'jax-js-webgpu'])
  expect(() => selectPeers(peers, ['torch'])).toThrow('no peer is called "torch"; there are daybreak, tfjs-webgpu')
})

describe('layouts', () => {
  const image = { shape: [1, 2, 3, 2], data: Float32Array.from({ length: 12 }, (_, i) => i) }

  test('images', () => {
    const nchw = channelsFirst(image)
    expect(nchw.shape).toEqual([1, 2, 2, 3])
    expect([...nchw.data]).toEqual([0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11])
    expect(channelsLast(nchw)).toEqual(image)
  })

  test('weights', () => {
    const oihw = outputsFirst(image)
    expect(oihw.shape).toEqual([2, 3, 1, 2])
    expect(oihw.data[1]).toBe(6) // output 0, input 0, row 0, column 1
    expect(outputsLast(oihw)).toEqual(image)
    const linear = outputsLast({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) })
    expect(linear).toEqual({ shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) })
    const bias = { shape: [3], data: Float32Array.of(1, 2, 3) }
    expect(outputsLast(bias)).toBe(bias)
    expect(channelsFirst(bias)).toBe(bias)
  })

  test('labels count through the classes', () => {
    const network = comparedCases.find((compared) => compared.kind === 'network' && compared.training)!
    if (network.kind !== 'network') throw new Error('no network')
    const labels = oneHotLabels(network)
    const { classes } = network
    for (const row of [0, 1, classes, classes + 1]) {
      const label = [...labels.data.subarray(row * classes, (row + 1) * classes)].indexOf(1)
      expect(label).toBe(row % classes)
    }
    expect(labels.data.reduce((sum, value) => sum + value, 0)).toBe(network.input[0])
  })
})
