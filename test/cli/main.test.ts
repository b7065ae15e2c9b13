/** The `daybreak` command as a whole: help, unknown words, and who reads its output. */
import packageJson from '../../package.json' with { type: 'json' }
import { describe, expect, test } from 'vitest'
import { bundle, runNode } from '../support/child-process.js'
import { complaint, daybreak } from '../support/command.js'

describe('daybreak', () => {
  test('tells its version', async () => {
    expect(await daybreak(['--version'])).toMatchObject({ status: 0, stdout: `${packageJson.version}\n`, stderr: '' })
  })

  test('helps on stdout when asked, and on stderr when it is called with nothing', async () => {
    const asked = await daybreak(['--help'])
    expect(asked.status).toBe(0)
    for (const command of ['finetune', 'evaluate', 'summary', 'profile', 'doctor', 'demo']) {
      expect(asked.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
    }
    const nothing = await daybreak([])
    expect(complaint(nothing)).toBe(asked.stdout)
    expect(nothing.stdout).toBe('')
  })

  test('names the nearest command for one that it does not know', async () => {
    expect(complaint(await daybreak(['finetun']))).toMatch(/unknown command 'finetun'\n\(Did you mean finetune\?\)/)
  })

  test('every option of finetune has a description, and those with a choice list it', async () => {
    const { stdout } = await daybreak(['finetune', '--help'])
    const help = stdout.replace(/\s+/g, ' ')
    for (const name of ['model', 'dataset', 'weights', 'freeze-until', 'epochs', 'batch-size', 'lr', 'limit', 'seed']) {
      expect(help).toMatch(new RegExp(`--${name} <[a-z]+> [a-z]`))
    }
    expect(help).toMatch(/the network: resnet18, .*, minivgg \(default: "resnet50"\)/)
    expect(help).toContain('choices: "adam", "adamw", "sgd", default: "adam"')
  })

  test('does not mind that nobody reads its output', async () => {
    const command = await bundle('src/cli/main.ts')
    const script = `
      import { spawn } from 'node:child_process'
      const child = spawn(process.execPath, [${JSON.stringify(command)}, 'summary', '--model', 'resnet18'],
        { stdio: ['ignore', 'pipe', 'inherit'] })
      child.stdout.destroy()
      child.on('close', (status) => console.log(status))`
    const { stdout, stderr } = await runNode(script)
    expect(stdout, stderr).toBe('0\n')
  })
})
