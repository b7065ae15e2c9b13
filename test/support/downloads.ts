/** What tests of downloads share: a folder to download into, and what lies in it. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { download, type DownloadOptions, type DownloadProgress } from '../../src/weights/download.js'
import { type Answer, sha256, until } from './weights-server.js'

export interface DownloadFolder {
  readonly path: string
  /** Where the tests download to. */
  readonly file: string
  /** Everything in the folder, by relative paths. */
  list(): Promise<string[]>
  /** The SHA-256 of `file`; comparing bytes takes vitest half a second. */
  sha256(): Promise<string>
  /** The folders of unfinished downloads. */
  parts(): Promise<string[]>
  /** Waits until so many bytes of an unfinished download are on the disk. */
  stored(bytes: number): Promise<void>
  /** An answer whose body is cut off after so many bytes, when so many of the file are on the disk. */
  cut(answer: Answer, bytes: number, stored?: number): Answer
}

/** A new folder for each test of the file (or group) that calls this; proxies of the machine are not looked at. */
export function useDownloadFolder(): DownloadFolder {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'daybreak-download-'))
    for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) vi.stubEnv(name, '')
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
    await rm(folder, { recursive: true })
  })
  const parts = async () => (await readdir(folder)).filter((name) => name.endsWith('.part'))
  const stored = (bytes: number) =>
    until(async () => {
      const sizes = (await parts()).map((part) => stat(path.join(folder, part, 'data')).catch(() => undefined))
      return (await Promise.all(sizes)).some((status) => (status?.size ?? 0) >= bytes)
    })
  return {
    get path() {
      return folder
    },
    get file() {
      return path.join(folder, 'net.pth')
    },
    list: async () => (await readdir(folder, { recursive: true })).sort(),
    sha256: async () => sha256(await readFile(path.join(folder, 'net.pth'))),
    parts,
    stored,
    cut: (answer, bytes, all = bytes) => ({ ...answer, pauseAfter: bytes, pause: () => stored(all), cut: true }),
  }
}

/** Downloads without waiting between attempts; gives the progress that was told. */
export async function fetchTo(file: string, url: string, options: DownloadOptions = {}): Promise<DownloadProgress[]> {
  const told: DownloadProgress[] = []
  await download(url, file, { retryDelay: 1, onProgress: (progress) => told.push(progress), ...options })
  return told
}

/** The error of a promise, which has to be of a class. */
export async function failure<E extends Error>(
  promise: Promise<unknown>,
  type: new (...args: never[]) => E,
): Promise<E> {
  const error = await promise.then(
    () => new Error('no error'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(type)
  return error as E
}
