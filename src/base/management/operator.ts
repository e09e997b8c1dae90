import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { equalSecret } from '../crypto/constant-time-equal.ts'
import { readProxyRequest, traceIdsOf } from '../http/request.ts'

const NO_OPERATOR = 'Authorization must be Bearer and MANAGEMENT_TOKEN'

/** A route's `onRequest` that lets operators pass alone, before a body is read. @param token MANAGEMENT_TOKEN */
export function operatorsOnly (token: string): onRequestHookHandler {
  return ({ headers: { authorization = '' } }, reply, done) => {
    if (equalSecret(authorization, `Bearer ${token}`)) done()
    else reply.code(401).send({ error: 'unauthorized', message: NO_OPERATOR })
  }
}

/** The log's word for a change that was not made. */
export const GIVEN_UP = 'the client disconnected before this change was made'

/**
 * Tells if the client still waits for its answer. A process that was stopped may read a request long after its client
 * gave up, and only then the end of its connection: within a turn of the event loop, or two for a new connection.
 */
export async function isWaiting ({ raw: { socket } }: FastifyRequest): Promise<boolean> {
  await nextTurn()
  await nextTurn()
  return !socket.destroyed && !socket.readableEnded && !socket.writableEnded
}

/** The first fields of each line about an operator's request. */
export function operatorFields (request: FastifyRequest): object {
  const { requestId } = readProxyRequest(request.raw.rawHeaders)
  return { requestId, ...traceIdsOf(request), client: request.ip }
}

/** An id is a value of Authgear's, which no log holds: `printf %s ID | sha256sum` begins like this. */
export function fingerprint (id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 8)
}
