import { createHmac, hash, hkdfSync, randomBytes } from 'node:crypto'
import type { CredentialDigest } from '../core/cache-key.ts'
import { equalSecret } from '../crypto/constant-time-equal.ts'
import type { LogEntry } from './ledger.ts'
import { ORIGINS, type Revocation, type Target } from './types.ts'

/** The fields of one entry of the stream. */
export type Fields = Readonly<
  Record<
    'gen' | 'nonce' | 'prev' | 'salt' | 'of' | 'kind' | 'value' | 'origin' | 'quiet' | 'ends' | 'secret' | 'tag',
    string
  >
>

/**
 * `authentic`: its tag is right. `foreign`: made under another CACHE_SECRET, so that nobody here can say.
 * `forged`: its tag is wrong.
 */
export type Provenance = 'authentic' | 'foreign' | 'forged'

export type ReadEntry = Readonly<{
  entry: LogEntry
  provenance: Provenance
  /** It says nothing that can be believed, and is read as `everything`. */
  isJunk: boolean
}>

export type EntryCodec = Readonly<{
  /**
   * @param previous nonce of the entry before it; empty for the first one of a generation, which has no revocation
   * @param of names the revocation across copies of its entry
   */
  encode: (generation: string, previous: string, of: string, revocation: Revocation | undefined) => Fields
  /** An entry that is not authentic is read as `everything`: it costs resolutions, never a wrong answer. */
  decode: (id: string, fields: Readonly<Record<string, string>>) => ReadEntry
}>

/** The longest time that an entry of ours forbids to store answers. */
const MAX_NO_STORE_MS = 15 * 60_000

export type Content = Omit<Fields, 'nonce' | 'tag'>
const CONTENT = ['gen', 'prev', 'salt', 'of', 'kind', 'value', 'origin', 'quiet', 'ends', 'secret'] as const

/** @param logKey derived from CACHE_SECRET; its id tells replicas with another secret that they cannot check a tag */
export function createEntryCodec (logKey: Uint8Array): EntryCodec {
  const secretId = Buffer.from(hkdfSync('sha256', logKey, '', 'id', 8)).toString('hex')
  const tagOf = (text: string): Buffer => createHmac('sha256', logKey).update(text).digest()
  return Object.freeze({
    encode (gen: string, prev: string, of: string, revocation: Revocation | undefined): Fields {
      const { kind, value } = encodeTarget(revocation?.target)
      const origin = revocation?.origin ?? ''
      const quiet = String(revocation?.quietMs ?? 0)
      const ends = String(revocation?.ends ?? '')
      const salt = randomBytes(8).toString('base64url')
      const content = { gen, prev, salt, of, kind, value, origin, quiet, ends, secret: secretId }
      const text = textOf(content)
      const tag = tagOf(text).toString('base64url')
      return {
        gen,
        nonce: digestOf(text, tag),
        prev,
        salt,
        of,
        kind,
        value,
        origin,
        quiet,
        ends,
        secret: secretId,
        tag
      }
    },
    decode (id: string, raw: Readonly<Record<string, string>>): ReadEntry {
      const field = (name: string): string => (Object.hasOwn(raw, name) ? raw[name] : undefined) ?? ''
      const content = {
        gen: field('gen'),
        prev: field('prev'),
        salt: field('salt'),
        of: field('of'),
        kind: field('kind'),
        value: field('value'),
        origin: field('origin'),
        quiet: field('quiet'),
        ends: field('ends'),
        secret: field('secret')
      }
      const tag = field('tag')
      const text = textOf(content)
      const nonce = field('nonce') === digestOf(text, tag) ? field('nonce') : ''
      const provenance =
        content.secret !== secretId
          ? 'foreign'
          : equalSecret(Buffer.from(tag, 'base64url'), tagOf(text)) ? 'authentic' : 'forged'
      // a user means the same under every secret, a credential's digest does not
      const isForeignUser = provenance === 'foreign' && content.kind === 'user' && content.value !== ''
      const isJunk = provenance !== 'authentic' && !isForeignUser
      const revocation = isJunk ? EVERYTHING : decodeRevocation(content)
      const { gen: generation, prev: previous, of } = content
      return { provenance, isJunk, entry: { id, nonce, previous, generation, of, revocation } }
    }
  })
}

/**
 * An entry's nonce follows from its whole content, and its successor's content names it: no entry can be rewritten
 * without a change of all that follow. Empty where an entry bears another one.
 */
export function nonceOf (content: Content, tag: string): string {
  return digestOf(textOf(content), tag)
}

const digestOf = (text: string, tag: string): string => hash('sha256', `${text}${tag}`, 'base64url').slice(0, 22)

function textOf (content: Content): string {
  let text = ''
  for (const name of CONTENT) text += `${content[name].length}:${content[name]}`
  return text
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
    case 'client': return { kind: 'client', value: target.clientId }
    case 'token': return { kind: 'token', value: target.id }
    case 'everything': return { kind: 'everything', value: '' }
    case undefined: return { kind: 'generation', value: '' }
  }
}

function decodeTarget ({ kind, value }: Content): Target {
  switch (kind) {
    case 'user': return { kind, userId: value }
    case 'credential': return { kind, digest: value as CredentialDigest }
    case 'client': return { kind, clientId: value }
    case 'token': return { kind, id: value }
    default: return { kind: 'everything' }
  }
}

function decodeRevocation (content: Content): Revocation | undefined {
  const { kind, origin, quiet, ends } = content
  if (kind === 'generation') return undefined
  const quietMs = Number(quiet)
  return {
    target: decodeTarget(content),
    ...(/^-?\d{1,15}$/.test(ends) ? { ends: Number(ends) } : {}),
    origin: ORIGINS.find((known) => known === origin) ?? 'management',
    quietMs: quietMs >= 0 && quietMs <= MAX_NO_STORE_MS ? quietMs : MAX_NO_STORE_MS
  }
}
