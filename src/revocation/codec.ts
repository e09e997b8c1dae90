import { createHmac, hkdfSync } from 'node:crypto'
import type { CredentialDigest } from '../core/cache-key.ts'
import { equalSecret } from '../crypto/constant-time-equal.ts'
import type { LogEntry } from './ledger.ts'
import { ORIGINS, type Revocation, type Target } from './types.ts'

/** The fields of one entry of the stream, as the script writes them; `prev` is the script's own. */
export type Fields = Readonly<
  Record<'gen' | 'nonce' | 'of' | 'kind' | 'value' | 'origin' | 'quiet' | 'secret' | 'tag', string>
>

export type ReadEntry = Readonly<{ entry: LogEntry, authentic: boolean }>

export type EntryCodec = Readonly<{
  /** A generation's first entry has no revocation. */
  encode: (generation: string, nonce: string, of: string, revocation: Revocation | undefined) => Fields
  /** An entry that is not authentic is read as `everything`: it costs resolutions, never a wrong answer. */
  decode: (id: string, fields: Readonly<Record<string, string>>) => ReadEntry
}>

/** The longest time that an entry of ours forbids to store answers. */
const MAX_NO_STORE_MS = 15 * 60_000

/** @param logKey derived from CACHE_SECRET; its id tells replicas with another secret that they cannot check a tag */
export function createEntryCodec (logKey: Uint8Array): EntryCodec {
  const secretId = Buffer.from(hkdfSync('sha256', logKey, '', 'id', 8)).toString('hex')
  const tagOf = (fields: Omit<Fields, 'tag'>): Buffer => {
    const parts = [
      fields.gen,
      fields.nonce,
      fields.of,
      fields.kind,
      fields.value,
      fields.origin,
      fields.quiet,
      fields.secret
    ]
    return createHmac('sha256', logKey).update(parts.map((part) => `${part.length}:${part}`).join('')).digest()
  }
  return Object.freeze({
    encode (gen: string, nonce: string, of: string, revocation: Revocation | undefined): Fields {
      const { kind, value } = encodeTarget(revocation?.target)
      const fields = {
        gen,
        nonce,
        of,
        kind,
        value,
        origin: revocation?.origin ?? '',
        quiet: String(revocation?.quietMs ?? 0),
        secret: secretId
      }
      return { ...fields, tag: tagOf(fields).toString('base64url') }
    },
    decode (id: string, raw: Readonly<Record<string, string>>): ReadEntry {
      const field = (name: string): string => raw[name] ?? ''
      const fields = {
        gen: field('gen'),
        nonce: field('nonce'),
        of: field('of'),
        kind: field('kind'),
        value: field('value'),
        origin: field('origin'),
        quiet: field('quiet'),
        secret: field('secret')
      }
      const tag = Buffer.from(field('tag'), 'base64url')
      const tagged = fields.secret === secretId && equalSecret(tag, tagOf(fields))
      // a user means the same under every secret, a credential's digest does not
      const foreignUser = fields.secret !== secretId && fields.kind === 'user' && fields.value !== ''
      const authentic = tagged || foreignUser
      const revocation = authentic ? decodeRevocation(fields) : EVERYTHING
      return {
        authentic,
        entry: { id, nonce: fields.nonce, previous: field('prev'), generation: fields.gen, of: fields.of, revocation }
      }
    }
  })
}

const EVERYTHING: Revocation = Object.freeze({
  target: Object.freeze({ kind: 'everything' }),
  origin: 'management',
  quietMs: 0
})

function encodeTarget (target: Target | undefined): { kind: string, value: string } {
  switch (target?.kind) {
    case 'user': return { kind: 'user', value: target.userId }
    case 'credential': return { kind: 'credential', value: target.digest }
    case 'everything': return { kind: 'everything', value: '' }
    case undefined: return { kind: 'generation', value: '' }
  }
}

function decodeRevocation ({ kind, value, origin, quiet }: Omit<Fields, 'tag'>): Revocation | undefined {
  if (kind === 'generation') return undefined
  const target: Target =
    kind === 'user'
      ? { kind, userId: value }
      : kind === 'credential'
        ? { kind, digest: value as CredentialDigest }
        : { kind: 'everything' }
  const quietMs = Number(quiet)
  return {
    target,
    origin: ORIGINS.find((known) => known === origin) ?? 'management',
    quietMs: quietMs >= 0 && quietMs <= MAX_NO_STORE_MS ? quietMs : MAX_NO_STORE_MS
  }
}
