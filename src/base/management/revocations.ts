import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Keyer } from '../core/cache-key.ts'
import { sessionNamed } from '../core/session-id.ts'
import { readCredentials, type CookieNames } from '../core/credentials.ts'
import { jwtId } from '../core/token-expiry.ts'
import { isUserId } from '../core/resolution.ts'
import type { Log } from '../logging/log.ts'
import type { RevocationLog, Target } from '../revocation/types.ts'
import { fingerprint, GIVEN_UP, isWaiting, operatorFields, operatorsOnly } from './operator.ts'

export type RevocationsDeps = Readonly<{
  /** MANAGEMENT_TOKEN */
  token: string
  keyer: Keyer
  cookieNames: CookieNames
  revocations: RevocationLog
  log: Log
}>

const USAGE =
  'send one of {"user_id": "…"}, {"client_id": "…"}, {"token_id": "…"}, {"sid": "…"}, ' +
    '{"authorization": "Bearer …"}, {"cookie": "session=…"}, {"all": true}'
const MAX_PURGE_BYTES = 64 * 1024
/** The longest that a resource token can name. */
const MAX_NAME_LENGTH = 256

/** `POST /revocations` on the management listener: an application's sign-out route purges what is remembered. */
export function addRevocations (app: FastifyInstance, deps: RevocationsDeps): void {
  const how = { bodyLimit: MAX_PURGE_BYTES, onRequest: operatorsOnly(deps.token) }
  app.post('/revocations', how, async (request, reply) => {
    const targets = readTargets(request.body, deps)
    if (targets.length === 0) return await reply.code(400).send({ error: 'bad_request', message: USAGE })
    if (!await isWaiting(request)) {
      deps.log.info(operatorFields(request), GIVEN_UP)
      return await reply.code(408).send({ error: 'given_up' })
    }
    const outcomes = await Promise.all(
      targets.map((target) => deps.revocations.revoke({ target, origin: 'management', quietMs: 0, ends: 0 }))
    )
    const isLogged = !outcomes.includes('pending')
    audit(deps.log, request, targets, isLogged)
    reply.code(isLogged ? 200 : 503)
    return { status: isLogged ? 'logged' : 'pending', position: deps.revocations.snapshot().stamp.position.id }
  })
}

/** @returns what is to be revoked; nothing for a body that does not say exactly one thing */
function readTargets (body: unknown, { keyer, cookieNames }: RevocationsDeps): readonly Target[] {
  const entries = typeof body === 'object' && body !== null ? Object.entries(body) : []
  const [name, value]: readonly unknown[] = entries.length === 1 ? entries[0] ?? [] : []
  if (name === 'all') return value === true ? [{ kind: 'everything' }] : []
  if (typeof value !== 'string' || value === '') return []
  const isTrimmed = value.trim() === value // a paste's blanks would name nobody
  if (name === 'user_id') return isTrimmed && isUserId(value) ? [{ kind: 'user', userId: value }] : []
  if (name === 'client_id' || name === 'token_id') {
    if (!isTrimmed || value.length > MAX_NAME_LENGTH) return []
    return name === 'client_id' ? [{ kind: 'client', clientId: value }] : [{ kind: 'token', id: value }]
  }
  if (name === 'sid') {
    const id = sessionNamed(value)
    return id === undefined ? [] : [{ kind: 'credential', digest: keyer.revocable().sessionDigest(id) }]
  }
  if (name !== 'authorization' && name !== 'cookie') return []
  const reading = readCredentials([name, value], cookieNames)
  if (reading.kind !== 'credentials') return []
  const id = reading.credentials.bearer === undefined ? undefined : jwtId(reading.credentials.bearer)
  return [
    ...keyer.revocable().digests(reading.credentials).map((digest) => ({ kind: 'credential', digest }) as const),
    ...id === undefined || id.length > MAX_NAME_LENGTH ? [] : [{ kind: 'token', id } as const]
  ]
}

function audit (log: Log, request: FastifyRequest, targets: readonly Target[], isLogged: boolean): void {
  const what = targets.map(describeTarget)
  log.info({ ...operatorFields(request), revoked: what, logged: isLogged }, 'revoked by the management listener')
}

function describeTarget (target: Target): string {
  switch (target.kind) {
    case 'user': return `user ${fingerprint(target.userId)}`
    case 'credential': return `credential ${target.digest.slice(0, 8)}`
    case 'client': return `client ${fingerprint(target.clientId)}`
    case 'token': return `token ${fingerprint(target.id)}`
    case 'block': return `client ${fingerprint(target.name)}`
    case 'everything': return 'everything'
  }
}
