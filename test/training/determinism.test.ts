/** The same seed gives the same bits: losses and weights of ResNet-18, twice in a process and in another one. */
import { describe, expect, test } from 'vitest'
import { bundle, importable, runNode } from '../support/child-process.js'
import { type Run, trainResNet18 } from './determinism-run.js'

describe.each([
  ['of which all is trained', undefined],
  ['of which the last stage and the head are trained', 'layer4'],
])('ResNet-18, %s', (_name, freezeUntil) => {
  test('repeats itself bit by bit', async () => {
    const here = await trainResNet18(freezeUntil, 1)
    expect(here.losses).toHaveLength(2)
    expect(here.losses.every(Number.isFinite)).toBe(true)
    expect(await trainResNet18(freezeUntil, 1), 'in the same process').toEqual(here)

    const module = await bundle('test/training/determinism-run.ts')
    const { status, stdout, stderr } = await runNode(`
      import { trainResNet18 } from ${importable(module)}
      console.log(JSON.stringify(await trainResNet18(${JSON.stringify(freezeUntil)}, 1)))`)
    expect(status, stderr).toBe(0)
    expect(JSON.parse(stdout) as Run, 'in another process').toEqual(here)
  })
})
