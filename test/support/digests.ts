/** Arrays of millions of elements, compared by their hashes: vitest takes seconds for one. */
import { createHash } from 'node:crypto'
import type { StateDict } from '../../src/nn/index.js'

/** The sha256 of each tensor of a state dict. */
export function digestsOf(stateDict: StateDict): Record<string, string> {
  return Object.fromEntries([...stateDict].map(([name, { data }]) => [name, sha256(data)]))
}

function sha256({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex')
}
