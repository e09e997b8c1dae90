import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { JWKS_PATH } from '../assertion/jwks.ts'
import { MAX_PURGE_BYTES } from './revocations.ts'

/** A request of the management listener that only a worker can answer. */
export type ManagementRequest = Readonly<{
  method: 'GET' | 'POST'
  path: string
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  body: string | undefined
  client: string
}>
export type ManagementResponse = Readonly<{ status: number, headers: Readonly<Record<string, string>>, body: string }>

/** What the process with the management listener cannot answer itself, since its workers are the service. */
export type Forwarded = Readonly<{
  /** Whether there is a MANAGEMENT_TOKEN: without it `POST /revocations` is 404 as any other path. */
  purges: boolean
  /** Whether there is a key set of assertions. */
  keySet: boolean
  /** @throws {Error} where no worker answers */
  ask: (request: ManagementRequest) => Promise<ManagementResponse>
}>

/** `POST /revocations` and the key set, answered by a worker. */
export function addForwarded (app: FastifyInstance, { purges, keySet, ask }: Forwarded): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MAX_PURGE_BYTES }, (_request, body, done) => {
      done(null, body)
    })
    const forward = (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => answer(request, reply, ask)
    if (purges) scope.post('/revocations', forward)
    if (keySet) scope.get(JWKS_PATH, forward)
  })
}

async function answer (request: FastifyRequest, reply: FastifyReply, ask: Forwarded['ask']): Promise<FastifyReply> {
  const { method, routeOptions, headers, body, ip } = request
  try {
    const { status, headers: given, body: text } = await ask({
      method: method === 'POST' ? 'POST' : 'GET',
      path: routeOptions.url ?? '',
      headers,
      body: typeof body === 'string' ? body : undefined,
      client: ip
    })
    const { connection: _connection, ...kept } = given
    return await reply.code(status).headers(kept).send(text)
  } catch {
    return await reply.code(503).send({ error: 'unavailable', message: 'no worker answered: send it once more' })
  }
}
