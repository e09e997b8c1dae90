import { createHmac, createSecretKey, hash, randomBytes } from 'node:crypto'
import { type CredentialDigest, secretIdOf } from '../core/cache-key.ts'
import { isOfPrevious, markPrevious, unmarked } from '../core/rotation.ts'
import { equalSecret } from '../crypto/constant-time-equal.ts'
import type { LogEntry } from './ledger.ts'
import { readMark, writeMark } from './block-mark.ts'
import { millisecondsOf, ORIGINS, type Revocation, type StreamId, type Target } from './types.ts'

/** The fields that the tag covers, in this order. */
const CONTENT = ['gen', 'prev', 'salt', 'of', 'kind', 'value', 'origin', 'quiet', 'ends', 'secret'] as const
type Content = Readonly<Record<typeof CONTENT[number], string>>
/** Fields of a later release, which the tag covers after CONTENT. This release only copies them. */
type Others = Readonly<Record<string, string>>
/** The fields of one entry of the stream. */
export type Fields = Content & Readonly<Record<'nonce' | 'tag', string>>
const KNOWN: ReadonlySet<string> = new Set([...CONTENT, 'nonce', 'tag'])
/**
 * The form of an entry is its field `v`; without one it is 1. One release reads another form before the next one writes
 * it: a form that is not known voids everything (docs/inside/contributing-tasks.md, "The form of what is kept in
 * Redis").
 */
const FORM = '1'

/**
 * `authentic`: its tag is right, under either secret. `foreign`: made under another one, so that nobody here can say.
 * `forged`: its tag is wrong.
 */
type Provenance = 'authentic' | 'foreign' | 'forged'

export type ReadEntry = Readonly<{
  entry: LogEntry
  provenance: Provenance
  /** It says nothing that can be believed, and is read as `everything`. */
  isJunk: boolean
}>

export type EntryCodec = ReturnType<typeof createEntryCodec>

/** The longest time that an entry of ours forbids to store answers. */
const MAX_NO_STORE_MS = 15 * 60_000
/** A copy may speak of a time after its own, where the clock of the Redis that had the first one was so far ahead. */
const MAX_ENDS_AHEAD_MS = 60_000

/** CACHE_SECRET_PREVIOUS, and whether what names no credential is written under it. */
export type PreviousLogKey = Readonly<{ logKey: Uint8Array, isWritten: () => boolean }>

type Signer = Readonly<{ id: string, tagOf: (text: string) => Buffer }>

function createSigner (logKey: Uint8Array): Signer {
  const key = createSecretKey(logKey)
  return { id: secretIdOf(logKey), tagOf: (text) => createHmac('sha256', key).update(text).digest() }
}

type Signers = Readonly<{
  current: Signer
  /** The sealer of CACHE_SECRET_PREVIOUS, while there is one. */
  older: Signer | undefined
  isOlderWritten: () => boolean
}>

/** @param logKey derived from CACHE_SECRET; its id tells replicas with another secret that they cannot check a tag */
export function createEntryCodec (logKey: Uint8Array, rotation?: PreviousLogKey) {
  const signers = {
    current: createSigner(logKey),
    older: rotation && createSigner(rotation.logKey),
    isOlderWritten: () => rotation?.isWritten() === true
  }
  return Object.freeze({
    /**
     * @param prev nonce of the entry before it; empty for the first one of a generation, which has no revocation
     * @param of names the revocation across copies of its entry
     */
    encode: (gen: string, prev: string, of: string, revocation: Revocation | undefined) =>
      encode(signers, { gen, prev, of }, revocation),
    /** An entry that is not authentic is read as `everything`: it costs resolutions, never a wrong answer. */
    decode: (id: string, fields: Readonly<Record<string, string>>) => decode(signers, id, fields)
  })
}

function encode (
  signers: Signers,
  { gen, prev, of }: Pick<Fields, 'gen' | 'prev' | 'of'>,
  revocation: Revocation | undefined
): Fields {
  const target = ownTarget(signers, revocation?.target)
  const { id: secret, tagOf } = signerFor(signers, target)
  const rest = {
    prev,
    salt: randomBytes(8).toString('base64url'),
    of,
    ...encodeTarget(target),
    origin: revocation?.origin ?? '',
    quiet: String(revocation?.quietMs ?? 0),
    ends: String(revocation?.ends ?? ''),
    secret
  }
  const others = revocation?.others
  const text = textOf({ gen, ...rest }, others)
  const tag = tagOf(text).toString('base64url')
  return { gen, nonce: digestOf(text, tag), ...rest, tag, ...others } // log.lua takes the first two
}

/** A digest under a secret that this replica does not have says nothing to anybody. */
function ownTarget ({ older }: Signers, target: Target | undefined): Target | undefined {
  const isUnknown = older === undefined && target?.kind === 'credential' && isOfPrevious(target.digest)
  return isUnknown ? EVERYTHING.target : target
}

/** A credential's digest is signed under the secret that made it, even while another one is written. */
function signerFor ({ current, older, isOlderWritten }: Signers, target: Target | undefined): Signer {
  const isOfOlder = target?.kind === 'credential' ? isOfPrevious(target.digest) : isOlderWritten()
  return isOfOlder && older !== undefined ? older : current
}

function decode ({ current, older }: Signers, id: StreamId, fields: Readonly<Record<string, string>>): ReadEntry {
  const field = (name: string): string => (Object.hasOwn(fields, name) ? fields[name] : undefined) ?? ''
  const content = Object.fromEntries(CONTENT.map((name) => [name, field(name)])) as Content
  const others = othersIn(fields)
  const tag = field('tag')
  const text = textOf(content, others)
  const nonce = field('nonce') === digestOf(text, tag) ? field('nonce') : ''
  const signer = [current, older].find((one) => one?.id === content.secret)
  const provenance = provenanceOf(signer, text, tag)
  // these mean the same under every secret, a credential's digest does not
  const isName = ['user', 'client', 'token'].includes(content.kind) && content.value !== ''
  const isJunk = provenance !== 'authentic' && !(provenance === 'foreign' && isName)
  const isUnderPrevious = signer !== undefined && signer === older
  // an attacker who can write to Redis could end tokens by it
  const revocation = isJunk
    ? EVERYTHING
    : provenance === 'authentic'
      ? decodeForm(content, others, isUnderPrevious, id)
      : decodeRevocation({ ...content, ends: '' }, isUnderPrevious, id)
  const { gen: generation, prev: previous, of } = content
  return { provenance, isJunk, entry: { id, nonce, previous, generation, of, revocation } }
}

function provenanceOf (signer: Signer | undefined, text: string, tag: string): Provenance {
  if (signer === undefined) return 'foreign'
  return equalSecret(Buffer.from(tag, 'base64url'), signer.tagOf(text)) ? 'authentic' : 'forged'
}

/**
 * An entry's nonce follows from its whole content, and its successor's content names it: no entry can be rewritten
 * without a change of all that follow. Empty where an entry bears another one.
 */
export function nonceOf (content: Content, tag: string): string {
  return digestOf(textOf(content), tag)
}

function othersIn (fields: Others): Others | undefined {
  const others = Object.entries(fields).filter(([name]) => !KNOWN.has(name))
  return others.length === 0 ? undefined : Object.fromEntries(others)
}

const digestOf = (text: string, tag: string): string => hash('sha256', `${text}${tag}`, 'base64url').slice(0, 22)

function textOf (content: Content, others?: Others): string {
  let text = ''
  for (const name of CONTENT) text += part(content[name])
  if (others === undefined) return text
  const named = Object.entries(others).toSorted(([one], [other]) => one < other ? -1 : 1)
  return text + named.map(([name, value]) => part(name) + part(value)).join('')
}

const part = (text: string): string => `${text.length}:${text}`

const EVERYTHING: Revocation = Object.freeze({
  target: Object.freeze({ kind: 'everything' }),
  origin: 'management',
  quietMs: 0
})

function encodeTarget (target: Target | undefined): { kind: string, value: string } {
  switch (target?.kind) {
    case 'user': return { kind: 'user', value: target.userId }
    case 'credential': return { kind: 'credential', value: unmarked(target.digest) }
    case 'client': return { kind: 'client', value: target.clientId }
    case 'token': return { kind: 'token', value: target.id }
    case 'block': return { kind: 'block', value: writeMark(target.name, target.mark) }
    case 'everything': return { kind: 'everything', value: '' }
    case undefined: return { kind: 'generation', value: '' }
  }
}

function decodeTarget ({ kind, value }: Content, isUnderPrevious: boolean): Target {
  switch (kind) {
    case 'user': return { kind, userId: value }
    case 'credential': return { kind, digest: isUnderPrevious ? markPrevious(value) : value as CredentialDigest }
    case 'client': return { kind, clientId: value }
    case 'token': return { kind, id: value }
    case 'block': return blockOf(value) ?? EVERYTHING.target
    default: return { kind: 'everything' }
  }
}

function blockOf (value: string): Target | undefined {
  const marked = readMark(value)
  return marked && { kind: 'block', ...marked }
}

/** An authentic entry. Whatever another form means, to void everything and end all tokens is at least as much. */
function decodeForm (
  content: Content, others: Others | undefined, isUnderPrevious: boolean, id: StreamId
): Revocation | undefined {
  if ((others?.['v'] ?? FORM) !== FORM) return { ...EVERYTHING, ends: 0 }
  const revocation = decodeRevocation(content, isUnderPrevious, id)
  return revocation && others ? { ...revocation, others } : revocation
}

function decodeRevocation (content: Content, isUnderPrevious: boolean, id: StreamId): Revocation | undefined {
  const { kind, origin, quiet } = content
  if (kind === 'generation') return undefined
  const quietMs = Number(quiet)
  const ends = decodeEnds(content, id)
  return {
    target: decodeTarget(content, isUnderPrevious),
    ...(ends === undefined ? {} : { ends }),
    origin: ORIGINS.find((known) => known === origin) ?? 'management',
    quietMs: quietMs >= 0 && quietMs <= MAX_NO_STORE_MS ? quietMs : MAX_NO_STORE_MS
  }
}

/** Bounds how long after an entry it may end tokens, against an attacker who can write one. */
function decodeEnds ({ ends }: Content, id: StreamId): number | undefined {
  if (!/^-?\d{1,15}$/.test(ends)) return undefined
  return Math.min(Number(ends), millisecondsOf(id) + MAX_ENDS_AHEAD_MS)
}
