import { createHmac, hkdfSync } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../clock.ts'
import { equalSecret } from '../crypto/constant-time-equal.ts'
import type { RevocationLog } from '../revocation/types.ts'
import type { WebhookRefusal } from '../core/reason.ts'
import { readWebhook } from '../authgear/webhook-events.ts'
import { createReadBody } from './body.ts'
import type { LineContext } from './exchange.ts'
import { NO_CONTENT } from './success.ts'
import type { Status } from './types.ts'

export type WebhookDeps = Readonly<{
  /** AUTHGEAR_WEBHOOK_SECRET, and AUTHGEAR_WEBHOOK_SECRET_PREVIOUS where it is set. */
  secrets: readonly string[]
  /** AUTHGEAR_APP_ID, where it is set. */
  appId: string | undefined
  log: RevocationLog
  clock: Clock
  /** `isSigned`: no stranger can have caused it. */
  report: (context: LineContext, status: Status, what: string, isSigned: boolean) => void
  /** A webhook with the right signature came, whatever it says. */
  signed: (secretId: string) => void
  refused: (reason: WebhookRefusal) => void
}>

/** @returns the status, and whether the connection's input is still in order */
export type Webhook = (
  request: IncomingMessage,
  context: LineContext,
  /** Its address; empty where there is none. */
  sender: string
) => Promise<Readonly<{ status: Status, isWhole: boolean }>>

/** Strangers can make us hold no more: an idle body costs its connection, and all bodies together 8 MiB. */
const BODY_LIMITS = { maxBytes: 1024 * 1024, timeoutMs: 5000, maxBodies: 256, maxHeldBytes: 8 * 1024 * 1024 } as const
/** How long an event id is remembered, to ignore a repeated event. */
const KNOWN_FOR_MS = 10 * 60_000
const MAX_KNOWN = 10_000

const UNREAD = {
  too_large: [413, 'over 1 MiB'],
  late: [408, 'did not arrive within 5 s'],
  displaced: [503, 'made room for newer ones']
} as const

const NO_BUDGET = 'a large body from a sender without a valid signature so far: too many arrived'
const WRONG_SIGNATURE =
  "not signed with AUTHGEAR_WEBHOOK_SECRET: copy the project's secret (docs/revocation.md)"

/** Authgear's webhooks: sent once, in no order, without a retry; a revoking one is 204 once it is a revocation. */
export function createWebhook (deps: WebhookDeps): Webhook {
  const known = createKnownIds(deps.clock)
  const signers = deps.secrets.map((secret) => ({ id: webhookSecretId(secret), keys: keysOf(secret) }))
  const readBody = createReadBody(BODY_LIMITS)
  const budget = createHashBudget(deps.clock)
  return async (request, context, sender) => {
    const answer = createAnswer(deps, context, false)
    const signature = readSignature(request)
    const refuse = (reason: WebhookRefusal, ...rest: Parameters<CreateAnswer>): ReturnType<CreateAnswer> => {
      deps.refused(reason)
      return answer(...rest)
    }
    if (signature === undefined) return refuse('unsigned', 401, 'no valid signature header', false)
    const body = await readBody(request)
    if (body.kind !== 'whole') {
      const [status, what] = UNREAD[body.kind]
      return refuse('not_read', status, what, false)
    }
    if (!budget.mayHash(sender, body.bytes.length)) return refuse('not_read', 503, NO_BUDGET)
    // each is tried: the time does not tell which one it was
    const [signer] = signers.filter(({ keys }) => isSigned(body.bytes, signature, keys))
    if (signer === undefined) return refuse('wrong_signature', 401, WRONG_SIGNATURE)
    budget.trust(sender)
    deps.signed(signer.id)
    return await take({ ...deps, answer: createAnswer(deps, context, true) }, known, body.bytes.toString('utf8'))
  }
}

async function take (
  { answer, ...deps }: WebhookDeps & Readonly<{ answer: CreateAnswer }>,
  known: KnownIds,
  text: string
): ReturnType<Webhook> {
  const reading = readWebhook(text, deps.appId)
  switch (reading.kind) {
    case 'unreadable':
      deps.refused('unreadable')
      return answer(400, 'signed, but not an event that can be read')
    case 'other_app':
      deps.refused('other_app')
      return answer(403, 'of another app: check AUTHGEAR_APP_ID')
    case 'ignored': return answer(NO_CONTENT, 'of no consequence')
    case 'revokes': {
      if (reading.id !== undefined && known.has(reading.id)) return answer(NO_CONTENT, 'repeated')
      const outcomes = await Promise.all(reading.revocations.map((revocation) => deps.log.revoke(revocation)))
      if (outcomes.includes('pending')) {
        return answer(503, 'applied on this replica; published as soon as Redis is back')
      }
      if (reading.id !== undefined) known.add(reading.id)
      return answer(NO_CONTENT, 'in the log')
    }
  }
}

type CreateAnswer = (status: Status, what: string, isWhole?: boolean) => Readonly<{ status: Status, isWhole: boolean }>

function createAnswer ({ report }: WebhookDeps, context: LineContext, isSigned: boolean): CreateAnswer {
  return (status, what, isWhole = true) => {
    report(context, status, what, isSigned)
    return { status, isWhole }
  }
}

/** @returns undefined if the signature header is malformed: the body is not read then */
function readSignature ({ headers }: IncomingMessage): Buffer | undefined {
  const text = headers['x-authgear-body-signature']
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : undefined
}

/** Over the bytes as they came. */
function isSigned (body: Uint8Array, given: Buffer, keys: readonly Buffer[]): boolean {
  return keys.map((key) => equalSecret(given, createHmac('sha256', key).update(body).digest())).includes(true)
}

/**
 * The portal shows the key as text, the project's secrets file the same in base64url: people copy either (recorded in
 * webhooks.json).
 */
function keysOf (secret: string): readonly Buffer[] {
  const decoded = Buffer.from(secret, 'base64url')
  const isEncoded = decoded.length >= 16 && decoded.toString('base64url') === secret
  return isEncoded ? [Buffer.from(secret), decoded] : [Buffer.from(secret)]
}

/** Tells `doctor` with which secret a webhook was signed; says nothing of the secret. */
export function webhookSecretId (secret: string): string {
  return Buffer.from(hkdfSync('sha256', secret, '', 'authgear-forward-auth webhook id v1', 8)).toString('hex')
}

type KnownIds = Readonly<{ has: (id: string) => boolean, add: (id: string) => void }>

function createKnownIds (clock: Clock): KnownIds {
  const seen = new Map<string, number>()
  return {
    has: (id) => clock.monotonic() - (seen.get(id) ?? -Infinity) < KNOWN_FOR_MS,
    add (id) {
      seen.set(id, clock.monotonic())
      const [oldest] = seen.keys()
      if (seen.size > MAX_KNOWN && oldest !== undefined) seen.delete(oldest)
    }
  }
}

/** Each body costs one to four hashes. Those of Authgear have 2 to 3 KiB: they, and all up to here, are hashed. */
const SMALL_BYTES = 16 * 1024
/** A genuine one has as many at most, whatever else strangers send: they have a budget of their own. */
const USUAL_BYTES = 64 * 1024
/** 9 to 15 ms a MiB were measured: strangers' bodies cost 6 % of one core. */
const BYTES_PER_SECOND = 2 * 1024 * 1024
const MAX_SENDERS = 1000

/** The budget of hashes over larger bodies, for senders that never signed one rightly. */
export type HashBudget = Readonly<{
  mayHash: (sender: string, bytes: number) => boolean
  /** It signed rightly: what it sends is hashed from now on. */
  trust: (sender: string) => void
}>

export function createHashBudget (clock: Clock): HashBudget {
  const genuine = new Set<string>()
  const [usual, large] = [createBudget(clock), createBudget(clock)]
  return Object.freeze({
    mayHash (sender: string, bytes: number): boolean {
      if (bytes <= SMALL_BYTES || genuine.has(sender)) return true
      return (bytes <= USUAL_BYTES ? usual : large)(bytes)
    },
    trust (sender: string): void {
      genuine.delete(sender)
      genuine.add(sender)
      const [oldest] = genuine
      if (genuine.size > MAX_SENDERS && oldest !== undefined) genuine.delete(oldest)
    }
  })
}

/** @returns whether there is still so much of this second's */
function createBudget (clock: Clock): (bytes: number) => boolean {
  let [left, lookedAt] = [BYTES_PER_SECOND, clock.monotonic()]
  return (bytes) => {
    const now = clock.monotonic()
    left = Math.min(BYTES_PER_SECOND, left + (now - lookedAt) / 1000 * BYTES_PER_SECOND)
    lookedAt = now
    if (bytes > left) return false
    left -= bytes
    return true
  }
}
