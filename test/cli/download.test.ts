/** `--weights-url` and named weights on the command line: downloaded once, shown, used; and what is said without a network. */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeSafetensors } from '../../src/weights/index.js'
import { complaint, daybreak } from '../support/command.js'
import { hashMiniVGG } from '../support/hash-weights.js'
import { useWeightsServer } from '../support/weights-server.js'

const server = useWeightsServer()
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'daybreak-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

const weights = encodeSafetensors(hashMiniVGG(7))
const sha256 = createHash('sha256').update(weights).digest('hex')
const name = `minivgg-${sha256.slice(0, 8)}.safetensors`

const small = ['--limit', '16', '--test-limit', '8', '--batch-size', '8', '--epochs', '1']
const finetune = (model: string, ...words: string[]) =>
  daybreak(['finetune', '--model', model, ...small, ...words], { folder, environment: { DAYBREAK_CACHE: folder } })

test('finetune downloads weights once, says so, and starts from them', async () => {
  server.serve(`/${name}`, () => ({ body: weights, headers: { 'content-length': String(weights.length) } }))
  const first = await finetune('minivgg', '--weights-url', server.url(`/${name}`))
  expect(first.status, first.stderr).toBe(0)
  expect(first.stderr).toBe(`downloading ${server.url(`/${name}`)}\n177.4 KiB of 177.4 KiB\n`)
  const cached = path.join(folder, 'weights', name)
  expect(first.stdout).toContain(`${cached} with a new head, as the file's is for 7 classes`)
  expect(await readdir(path.join(folder, 'weights'))).toEqual([name])

  const second = await finetune('minivgg', '--weights-url', server.url(`/${name}`), '--output', 'other')
  expect(second).toMatchObject({ status: 0, stderr: '' })
  expect(server.requests).toHaveLength(1) // that of the first run
})

test('finetune says where to put a file that it cannot download', async () => {
  server.serve(`/resnet18-f37072fd.pth`, () => ({ status: 403 }))
  const url = server.url('/')
  const message = complaint(await finetune('resnet18', '--weights', 'imagenet', '--weights-url', url))
  expect(message).toContain(`${url}resnet18-f37072fd.pth`)
  expect(message).toContain(path.join(folder, 'weights', 'resnet18-f37072fd.pth'))
  expect(message).toContain('403')
  expect(complaint(await finetune('minivgg', '--weights', 'imagenet'))).toMatch(
    /^daybreak: --weights: expected a file \(no weights are published for minivgg\), got "imagenet"/,
  )
})
