import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../clock.ts'
import { equalSecret } from '../equal-secret.ts'
import type { RevocationLog } from '../revocation/log.ts'
import { readWebhook } from '../revocation/webhook-events.ts'
import { readBody } from './body.ts'
import type { LineContext } from './exchange.ts'

export type WebhookDeps = Readonly<{
  /** AUTHGEAR_WEBHOOK_SECRET */
  secret: string
  /** AUTHGEAR_APP_ID, where it is set. */
  appId: string | undefined
  log: RevocationLog
  clock: Clock
  report: (context: LineContext, status: number, what: string) => void
  /** A webhook with the right signature came, whatever it says. */
  signed: () => void
}>

/** @returns the status, and whether the connection's input is still in order */
export type Webhook = (request: IncomingMessage, context: LineContext) => Promise<Readonly<{ status: number, isWhole: boolean }>>

const MAX_BODY = 1024 * 1024
/** Milliseconds in which a body must arrive. */
const ARRIVES_WITHIN = 5000
const MAX_BODIES = 32
/** Milliseconds for which an event's id is known. */
const KNOWN_FOR = 10 * 60_000
const MAX_KNOWN = 10_000

/** Authgear's webhooks: sent once, in no order, without a retry; a revoking one is 204 once it is in the log. */
export function createWebhook (deps: WebhookDeps): Webhook {
  const known = createKnownIds(deps.clock)
  const keys = keysOf(deps.secret)
  let bodies = 0
  return async (request, context) => {
    const answer = answering(deps, context)
    if (bodies >= MAX_BODIES) return answer(503, 'too many at a time', false)
    bodies++
    const body = await readBody(request, MAX_BODY, ARRIVES_WITHIN).finally(() => { bodies-- })
    if (body.kind === 'too_large') return answer(413, 'over 1 MiB', false)
    if (body.kind === 'late') return answer(408, 'did not arrive within 5 s', false)
    if (!isSigned(body.bytes, request.headers['x-authgear-body-signature'], keys)) return answer(401, 'wrong or missing signature')
    deps.signed()
    return await take({ ...deps, answer }, known, body.bytes.toString('utf8'))
  }
}

async function take ({ answer, ...deps }: WebhookDeps & Readonly<{ answer: Answering }>, known: KnownIds, text: string): ReturnType<Webhook> {
  const reading = readWebhook(text, deps.appId)
  switch (reading.kind) {
    case 'unreadable': return answer(400, 'signed, but not an event that can be read')
    case 'other_app': return answer(403, 'of another app: check AUTHGEAR_APP_ID')
    case 'ignored': return answer(204, 'of no consequence')
    case 'revokes': {
      if (reading.id !== undefined && known.has(reading.id)) return answer(204, 'repeated')
      const outcomes = await Promise.all(reading.revocations.map((revocation) => deps.log.revoke(revocation)))
      if (outcomes.includes('pending')) return answer(503, 'holds on this replica, and is published when Redis takes it')
      if (reading.id !== undefined) known.add(reading.id)
      return answer(204, 'in the log')
    }
  }
}

type Answering = (status: number, what: string, isWhole?: boolean) => Readonly<{ status: number, isWhole: boolean }>

function answering ({ report }: WebhookDeps, context: LineContext): Answering {
  return (status, what, isWhole = true) => {
    report(context, status, what)
    return { status, isWhole }
  }
}

/** Over the bytes as they came. */
function isSigned (body: Uint8Array, signature: string | string[] | undefined, keys: readonly Buffer[]): boolean {
  if (typeof signature !== 'string' || !/^[0-9a-f]{64}$/.test(signature)) return false
  const given = Buffer.from(signature, 'hex')
  return keys.map((key) => equalSecret(given, createHmac('sha256', key).update(body).digest())).includes(true)
}

/** The portal shows the key as text, the project's secrets file the same in base64url: people copy either (recorded in webhooks.json). */
function keysOf (secret: string): readonly Buffer[] {
  const decoded = Buffer.from(secret, 'base64url')
  const isEncoded = decoded.length >= 16 && decoded.toString('base64url') === secret
  return isEncoded ? [Buffer.from(secret), decoded] : [Buffer.from(secret)]
}

type KnownIds = Readonly<{ has: (id: string) => boolean, add: (id: string) => void }>

function createKnownIds (clock: Clock): KnownIds {
  const seen = new Map<string, number>()
  return {
    has: (id) => clock.monotonic() - (seen.get(id) ?? -Infinity) < KNOWN_FOR,
    add (id) {
      seen.set(id, clock.monotonic())
      const [oldest] = seen.keys()
      if (seen.size > MAX_KNOWN && oldest !== undefined) seen.delete(oldest)
    }
  }
}
