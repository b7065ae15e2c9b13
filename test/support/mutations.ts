/** Damage to files, for fuzzing: small arbitrary changes of bytes. */
import fc from 'fast-check'

export interface Mutation {
  readonly kind: 'flip' | 'set' | 'insert' | 'remove' | 'cut' | 'repeat'
  /** Where, as a part of the whole. */
  readonly at: number
  readonly byte: number
  readonly length: number
}

/**
 * A place, as a part of the whole; every one as likely as any other. Left to itself fast-check prefers the beginning, and
 * a file that breaks at its first bytes is refused before much of it is read.
 */
export const anywhere = fc.noBias(fc.nat(0xffff)).map((part) => part / 0x10000)

/**
 * One change.
 *
 * @param likely bytes that mean something in the format, which half of the changes use
 */
export function mutation(likely: Iterable<number> = []): fc.Arbitrary<Mutation> {
  const bytes = [...likely]
  return fc.record({
    kind: fc.constantFrom('flip', 'set', 'insert', 'remove', 'cut', 'repeat'),
    at: anywhere,
    byte: bytes.length === 0 ? fc.nat(255) : fc.oneof(fc.nat(255), fc.constantFrom(...bytes)),
    length: fc.nat(20),
  })
}

/** Bytes with a change; the same where it changes nothing. */
export function mutate(bytes: Uint8Array, { kind, at, byte, length }: Mutation): Uint8Array<ArrayBuffer> {
  const index = Math.floor(at * bytes.length)
  const list = Array.from(bytes)
  if (kind === 'flip') list[index] = (list[index] ?? 0) ^ (1 << (byte % 8))
  if (kind === 'set') list[index] = byte
  if (kind === 'insert') list.splice(index, 0, byte)
  if (kind === 'remove') list.splice(index, length)
  if (kind === 'cut') list.length = index
  if (kind === 'repeat') list.splice(index, 0, ...list.slice(index, index + length))
  return Uint8Array.from(list)
}

/** All changes, one after the other. */
export function mutateAll(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array<ArrayBuffer> {
  return mutations.reduce<Uint8Array<ArrayBuffer>>(mutate, Uint8Array.from(bytes))
}
