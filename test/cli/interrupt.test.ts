/** Ctrl-C while `daybreak finetune` trains: it saves and stops, a second one ends it, `--resume` goes on. */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { daybreak } from '../support/command.js'

const small = ['finetune', '--model', 'minivgg', '--test-limit', '16', '--batch-size', '8', '--epochs', '1']
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-interrupt-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs the command and calls `act` once, when the command has begun to train. */
function runAndAct(words: string[], act: (child: ChildProcess) => void) {
  let acted = false
  return daybreak(words, {
    folder,
    onOutput: ({ stdout }, child) => {
      if (acted || !stdout.includes('training  1 epoch')) return
      acted = true
      setTimeout(act, 100, child)
    },
  })
}

const positionOf = async (name: string) =>
  (
    JSON.parse(await readFile(path.join(folder, `${name}.json`), 'utf8')) as {
      training: { position: { epoch: number; step: number } }
    }
  ).training.position

describe('Ctrl-C', () => {
  test('saves in the middle of an epoch, and --resume goes on from there', async () => {
    const words = [...small, '--output', 'stopped', '--limit', '240'] // 30 steps
    const { status, stdout, stderr } = await runAndAct(words, (child) => {
      child.kill('SIGINT')
      setTimeout(() => child.kill('SIGINT'), 20) // npm passes on what the terminal sends as well
    })
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: '\nstopping after this step; once more to stop at once\n',
    })
    expect(stdout).toMatch(/\nstopped; go on with the same command and --resume \(checkpoint stopped\)\n$/)
    expect(stdout).not.toContain('epoch 1/1')
    const { epoch, step } = await positionOf('stopped')
    expect(epoch).toBe(1)
    expect(step).toBeLessThan(30)

    const resumed = await daybreak([...words, '--resume'], { folder })
    expect(resumed).toMatchObject({ status: 0, stderr: '' })
    expect(resumed.stdout).toMatch(/\nepoch 1\/1 .*\nsaved stopped\.safetensors; .*\n$/)
    expect(await positionOf('stopped')).toEqual({ epoch: 2, step: 0 })
  })

  test('twice ends the process at once, and leaves no half-written file', async () => {
    // a step of so many images takes seconds on any software adapter, and a GPU is done with few of them
    const words = [...small, '--output', 'ended', '--limit', '20000', '--batch-size', '2000']
    const { status, signal, stdout, stderr } = await runAndAct(words, (child) => {
      const again = setInterval(() => child.kill('SIGINT'), 1000) // more than once: a busy machine may not be ready
      child.kill('SIGINT')
      child.on('close', () => {
        clearInterval(again)
      })
    })
    expect(stderr).toBe('\nstopping after this step; once more to stop at once\n')
    if (stdout.includes('stopped;')) return // the step ended before the second Ctrl-C came
    expect({ status, signal }).toEqual({ status: null, signal: 'SIGINT' }) // which shells report as 130
    expect((await readdir(folder)).filter((name) => name.includes('ended'))).toEqual([])
  })
})
