import fastify, { type FastifyInstance, type onRequestHookHandler } from 'fastify'
import type { ManagementRoutes, PublicDocument } from '../parts/places.ts'
import { applyHttp1Limits, WITHOUT_SCHEMAS } from '../http/limits.ts'
import { boundStrangers } from '../http/strangers.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { addRevocations, type RevocationsDeps } from './revocations.ts'
import type { Replica } from '../revocation/presence.ts'
import type { About } from './status/head.ts'
import type { Sample } from './status/history.ts'
import { addStatus, isOwnHost, refuseHost, type StatusDeps } from './status/routes.ts'

type Readiness = Readonly<{
  state: () => Replica['state']
  /** Shown only: Redis or Authgear being down is never a reason to take a replica away. */
  redis: () => 'up' | 'down' | 'none'
  authgear: () => 'ok' | 'failing'
}>

export type ManagementDeps = Readonly<{
  readiness: Readiness
  metrics: Pick<Metrics, 'render' | 'contentType'>
  version: string
  /** Undefined without MANAGEMENT_TOKEN: then the path is 404 as any other. */
  revocations: RevocationsDeps | undefined
  /** The documents of parts, and their own routes. */
  documents?: readonly PublicDocument[]
  ofParts?: readonly ManagementRoutes[]
  status: Omit<StatusDeps, 'status' | 'sections'> & Readonly<{
    samples: () => readonly Sample[]
    /** Other replicas, as far as they are known. */
    others: () => readonly Replica[]
    about: Omit<About, 'version'>
  }>
}>

/** A client's name, of which each character may be three. */
const MAX_PARAMETER = 1024
/** Connections without a whole request; beyond, the oldest of the address that has most of them ends. */
const MAX_UNFINISHED = 128

/** The management listener, for probes, Prometheus and people; opens nothing. */
export function buildManagement (deps: ManagementDeps): FastifyInstance {
  const { readiness, version, revocations, documents = [], ofParts = [], status } = deps
  const app = fastify({
    ...WITHOUT_SCHEMAS, logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: MAX_PARAMETER }
  })
  applyHttp1Limits(app.server)
  const unfinished = boundStrangers(app.server, MAX_UNFINISHED)
  app.addHook('preHandler', (request, reply, done) => {
    unfinished.admit(request.raw.socket, reply.raw) // its body is read
    done()
  })
  app.addHook('onRequest', (_request, reply, done) => { reply.header('cache-control', 'no-store'); done() })
  addProbes(app, deps)
  addStatus(app, {
    ...status,
    sections: ofParts.flatMap(({ section }) => section ?? []),
    status: () => ({
      about: { version, ...status.about },
      state: readiness.state(),
      samples: status.samples(),
      others: status.others()
    })
  })
  for (const document of documents) addDocument(app, document)
  if (revocations !== undefined) addRevocations(app, revocations)
  for (const { routes } of ofParts) app.register(async (scope) => routes(scope))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found' }))
  return app
}

function addProbes (app: FastifyInstance, { readiness, metrics, version, status }: ManagementDeps): void {
  app.get('/livez', () => ({ status: 'alive', version }))
  const byOwnName = { onRequest: createHostCheck(status) }
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
  app.get(path, (_request, reply) => {
    const { response: { status, headers, body } } = read()
    for (const [index, name] of headers.entries()) if (index % 2 === 0) reply.header(name, headers[index + 1])
    return reply.code(status).send(body)
  })
}

/**
 * Against a page whose name was made to lead here (DNS rebinding): it is of the same site for its browser, which names
 * the page's host. Every browser sends Accept-Language, and no page can keep it from doing so; Prometheus and probes
 * come by any name without it.
 */
function createHostCheck ({ machine, hosts }: Pick<StatusDeps, 'machine' | 'hosts'>): onRequestHookHandler {
  return ({ headers }, reply, done) => {
    if (headers['accept-language'] !== undefined && !isOwnHost(headers.host, machine, hosts)) refuseHost(reply)
    else done()
  }
}
