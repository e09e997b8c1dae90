import fastify, { type FastifyInstance } from 'fastify'
import { unlessKnown } from '../http/conditional.ts'
import { applyHttp1Limits, WITHOUT_SCHEMAS } from '../http/limits.ts'
import { boundStrangers } from '../http/strangers.ts'
import { answerErrors } from '../http/unexpected.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { About, ManagementRoutes, PublicDocument } from '../parts/feature.ts'
import type { Replica } from '../parts/given.ts'
import { browsersByOwnHosts, type OwnNames, ownHostsOnly } from './hosts.ts'
import { addRevocations, type RevocationsDeps } from './revocations.ts'

type Readiness = Readonly<{
  state: () => Replica['state']
  /** Shown only: Redis or Authgear being down is never a reason to take a replica away. */
  redis: () => 'up' | 'down' | 'none'
  authgear: () => Replica['authgear']
}>

export type ManagementDeps = OwnNames & Readonly<{
  readiness: Readiness
  metrics: Pick<Metrics, 'render' | 'contentType' | 'reading'>
  about: About
  /** A defect. */
  unexpectedError: (error: unknown) => void
  /** Undefined without MANAGEMENT_TOKEN: then the path is 404 as any other. */
  revocations: RevocationsDeps | undefined
  /** The documents of parts, and their own routes. */
  documents?: readonly PublicDocument[]
  ofParts?: readonly ManagementRoutes[]
}>

/** A client's name, of which each character may be three. */
const MAX_PARAMETER = 1024
/** Connections without a whole request; beyond, the oldest of the address that has most of them ends. */
const MAX_UNFINISHED = 128

/** The management listener, for probes, Prometheus and people; opens nothing. */
export function buildManagement (deps: ManagementDeps): FastifyInstance {
  const { metrics, about, unexpectedError, revocations, documents = [], ofParts = [] } = deps
  const app = fastify({
    ...WITHOUT_SCHEMAS, logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: MAX_PARAMETER }
  })
  applyHttp1Limits(app.server)
  const unfinished = boundStrangers(app.server, MAX_UNFINISHED)
  app.addHook('preHandler', (request, reply, done) => {
    unfinished.admit(request.raw.socket, reply.raw) // its body is read
    done()
  })
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    done()
  })
  app.setErrorHandler(answerErrors(unexpectedError)) // before any scope, which takes it over
  addProbes(app, deps)
  for (const document of documents) addDocument(app, document)
  if (revocations !== undefined) addRevocations(app, revocations)
  const managing = {
    about,
    reading: metrics.reading,
    ownHostsOnly: ownHostsOnly(deps),
    sections: ofParts.flatMap(({ section }) => section ?? [])
  }
  for (const { routes } of ofParts) app.register(async (scope) => routes(scope, managing))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found' }))
  return app
}

function addProbes (app: FastifyInstance, { readiness, metrics, about: { version }, ...names }: ManagementDeps): void {
  app.get('/livez', () => ({ status: 'alive', version }))
  const byOwnName = { onRequest: browsersByOwnHosts(names) }
  app.get('/readyz', byOwnName, (_request, reply) => {
    const state = readiness.state()
    reply.code(state === 'serving' ? 200 : 503)
    return { status: state, redis: readiness.redis(), authgear: readiness.authgear() }
  })
  app.get('/metrics', byOwnName, async (_request, reply) => {
    reply.type(metrics.contentType)
    return await metrics.render()
  })
}

/** Public, so that any name will do. */
function addDocument (app: FastifyInstance, { path, read }: PublicDocument): void {
  app.get(path, ({ raw }, reply) => {
    const { status, headers, body } = unlessKnown(read().response, raw.rawHeaders)
    for (const [index, name] of headers.entries()) if (index % 2 === 0) reply.header(name, headers[index + 1])
    return reply.code(status).send(body === '' ? undefined : body)
  })
}
