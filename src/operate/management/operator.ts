import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { equalSecret } from '../../crypto/constant-time-equal.ts'
import { readProxyRequest, traceIdsOf } from '../../request/http/request.ts'

export const NO_OPERATOR = 'Authorization must be Bearer and MANAGEMENT_TOKEN'

/** @param token MANAGEMENT_TOKEN */
export function isOperator (token: string, { headers: { authorization = '' } }: FastifyRequest): boolean {
  return equalSecret(authorization, `Bearer ${token}`)
}

/** What each line about an operator's request begins with. */
export function operatorFields (request: FastifyRequest): object {
  const { requestId } = readProxyRequest(request.raw.rawHeaders)
  return { requestId, ...traceIdsOf(request), client: request.ip }
}

/** An id is a value of Authgear's, which no log holds: `printf %s ID | sha256sum` begins like this. */
export function fingerprint (id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 8)
}
