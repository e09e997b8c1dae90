import type { FastifyInstance } from 'fastify'
import { endAtAuthgear, type Owner } from '../../base/authgear/admin-api/end-sessions.ts'
import { objectOf } from '../../base/core/json.ts'
import { isUserId } from '../../base/core/resolution.ts'
import { sessionNamed } from '../../base/core/session-id.ts'
import { fingerprint, GIVEN_UP, isWaiting, operatorFields, operatorsOnly } from '../../base/management/operator.ts'
import type { Given } from '../../base/parts/given.ts'

type LogOutDeps = Pick<Given, 'log'> & Readonly<{
  /** MANAGEMENT_TOKEN */
  token: string
  openAdminApi: NonNullable<Given['openAdminApi']>
}>

const LIMITS = { connections: 1, deadlineMs: 10_000, maxBodyBytes: 64 * 1024 } as const
const MAX_BODY_BYTES = 1024
const USAGE = 'send one of {"user": "…"}, {"session": "…"}'

/**
 * `POST /authgear/sessions/end`: Authgear's half of `revoke`; `POST /revocations` is the other one. The answer has the
 * `user_id` of a session, if Authgear named it: what that session began is revoked by it.
 */
export function addLogOut (app: FastifyInstance, { token, openAdminApi, log }: LogOutDeps): void {
  const how = { bodyLimit: MAX_BODY_BYTES, onRequest: operatorsOnly(token) }
  app.post('/authgear/sessions/end', how, async (request, reply) => {
    const owner = ownerIn(request.body)
    if (owner === undefined) return await reply.code(400).send({ error: 'bad_request', message: USAGE })
    if (!await isWaiting(request)) {
      log.info(operatorFields(request), GIVEN_UP)
      return await reply.code(408).send({ error: 'given_up' })
    }
    const api = openAdminApi(LIMITS)
    const outcome = await endAtAuthgear(api, owner).finally(api.close)
    const of = `${owner.kind} ${fingerprint(owner.id)}`
    log.info({ ...operatorFields(request), of, ended: outcome.kind === 'ended' }, 'sessions ended at Authgear')
    if (outcome.kind === 'ended') return { status: 'ended', user_id: outcome.userId }
    return await reply.code(502).send({ error: 'authgear', message: outcome.problem })
  })
}

function ownerIn (body: unknown): Owner | undefined {
  const entries = Object.entries(objectOf(body) ?? {})
  const [kind, text]: readonly unknown[] = entries.length === 1 ? entries[0] ?? [] : []
  if (typeof text !== 'string' || text.trim() !== text) return undefined
  if (kind === 'user') return isUserId(text) ? { kind, id: text } : undefined
  const id = kind === 'session' ? sessionNamed(text) : undefined
  return id === undefined ? undefined : { kind: 'session', id }
}
