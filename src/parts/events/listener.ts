import { hash, randomBytes } from 'node:crypto'
import type { Http2SecureServer } from 'node:http2'
import fastify, {
  type FastifyHttp2SecureOptions, type FastifyInstance, type FastifyReply, type FastifyRequest,
  type FastifyServerOptions, type onRequestHookHandler
} from 'fastify'
import { isString, type Json, objectOf } from '../../base/core/json.ts'
import type { Feed } from './feed.ts'
import type { SessionNames } from './session-names.ts'
import type { App } from './event.ts'
import { type Drain, trackConnections } from '../../base/http/drain.ts'
import { applyHttp1Limits, HTTP1_OPTIONS, HTTP2_OPTIONS, WITHOUT_SCHEMAS } from '../../base/http/limits.ts'
import { boundStrangers, type Strangers } from '../../base/http/strangers.ts'
import { serverContextOf, type TlsMaterial } from '../../base/http/tls.ts'
import { answerErrors } from '../../base/http/unexpected.ts'
import { boundHeads } from '../../base/http/unfinished-heads.ts'
import type { Unfinished } from '../../base/http/unfinished.ts'
import { checkHeld, readHeld } from './check.ts'
import { MAX_READERS, type Readers } from './readers.ts'
import { createToldNames } from './told-names.ts'

export type EventsListenerDeps = Readonly<{
  apps: readonly App[]
  feed: Feed
  names: SessionNames
  readers: Readers
  isFollowing: () => boolean
  tls: TlsMaterial | undefined
  unfinished: Unfinished
  /** A defect. */
  unexpectedError: (error: unknown) => void
}>

export type EventsListener = Readonly<{ fastify: FastifyInstance, drain: Drain }>

/** A thousand connections, by names of the usual length. */
const MAX_BODY_BYTES = 256 * 1024
/**
 * The longest silence of a session of HTTP/2, longer than from one comment to the next: who has no stream says nothing,
 * and is in the way.
 */
const SESSION_IDLE_MS = 15_000
/** The most connections without a valid token; as many may be answered while every stream is taken. */
const MAX_OTHERS = 250

/** The listener of apps: `GET /events` and `POST /events/check`. Nothing on it is an answer to a proxy. */
export function buildEventsListener (deps: EventsListenerDeps): EventsListener {
  const { apps, tls, unfinished, unexpectedError } = deps
  const app = fastify(optionsOf(tls))
  applyHttp1Limits(app.server)
  boundHeads(app.server, unfinished)
  app.server.maxConnections = MAX_READERS + 2 * MAX_OTHERS
  const strangers = boundStrangers(app.server, MAX_OTHERS)
  app.addHook('onRequest', (_request, reply, done) => { reply.header('cache-control', 'no-store'); done() })
  app.setErrorHandler(answerErrors(unexpectedError))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => { done(null, body) })
  const gate = createGate(apps, strangers)
  app.get('/events', { onRequest: gate.check, exposeHeadRoute: false }, createStream(deps, gate.appOf))
  app.post('/events/check', { onRequest: gate.check }, createChecker(deps, gate.appOf))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found' }))
  return Object.freeze({ fastify: app, drain: trackConnections(app.server) })
}

type Http2Options = FastifyHttp2SecureOptions<Http2SecureServer>

function optionsOf (tls: TlsMaterial | undefined): FastifyServerOptions {
  const common = {
    ...WITHOUT_SCHEMAS,
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    return503OnClosing: false,
    forceCloseConnections: false
  } satisfies FastifyServerOptions
  if (tls === undefined) return { ...common, ...HTTP1_OPTIONS }
  const https = { ...HTTP2_OPTIONS, ...serverContextOf(tls) }
  const secure = { ...common, http2: true, https, http2SessionTimeout: SESSION_IDLE_MS } satisfies Http2Options
  return secure
}

const NO_APP = 'Authorization must be Bearer and a token of EVENTS_TOKENS, of this app'

type Gate = Readonly<{ check: onRequestHookHandler, appOf: (request: FastifyRequest) => string }>

/** Before anything of a body is read. A token in an address would be in every log on its way. */
function createGate (apps: readonly App[], strangers: Strangers): Gate {
  const admitted = new WeakMap<FastifyRequest, string>()
  const nameOf = createAppOf(apps)
  return {
    appOf: (request) => admitted.get(request) ?? '',
    check (request, reply, done) {
      const query = queryOf(request)
      if ('token' in query || 'access_token' in query) {
        return refuse(reply, 400, 'bad_request', 'send the token in Authorization: Bearer …, not in the URL')
      }
      const name = nameOf(request.headers.authorization ?? '')
      if (name === undefined || (query['app'] !== undefined && query['app'] !== name)) {
        reply.header('www-authenticate', 'Bearer')
        return refuse(reply, 401, 'unauthorized', NO_APP)
      }
      admitted.set(request, name)
      strangers.admit(request.raw.socket, reply.raw)
      done()
    }
  }
}

const queryOf = ({ query }: FastifyRequest): Json => objectOf(query) ?? {}

type Digest = (text: string) => string

/** A digest that nobody can compute elsewhere: how long its comparison takes tells nothing of a token. */
function createDigest (): Digest {
  const secret = randomBytes(32).toString('hex')
  return (text) => hash('sha256', secret + text)
}

/** Finds the app by one digest, however many apps there are: a stranger's request costs no more. */
export function createAppOf (
  apps: readonly App[], digest: Digest = createDigest()
): (authorization: string) => string | undefined {
  const names = new Map(apps.map(({ name, token }) => [digest(`Bearer ${token}`), name]))
  return (authorization) => names.get(digest(authorization))
}

function refuse (reply: FastifyReply, code: 400 | 401 | 503, error: string, message: string): void {
  reply.code(code).send({ error, message })
}

type AppOf = Gate['appOf']

const HEAD = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }

function createStream ({ readers, unexpectedError }: EventsListenerDeps, appOf: AppOf) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    if (!readers.hasRoom(appOf(request))) {
      reply.header('retry-after', '2')
      return refuse(reply, 503, 'overloaded', 'this replica, or this app, has reached its maximum number of streams')
    }
    const places = [request.headers['last-event-id'], queryOf(request)['after']]
    reply.hijack()
    try {
      reply.raw.writeHead(200, HEAD)
      readers.add(appOf(request), reply.raw, places.find(isString))
    } catch (error) {
      unexpectedError(error)
      reply.raw.destroy()
    }
  }
}

function createChecker ({ feed, names, isFollowing }: EventsListenerDeps, appOf: AppOf) {
  const told = createToldNames(feed, names)
  return async (request: FastifyRequest, reply: FastifyReply): Promise<object> => {
    const held = isString(request.body) ? readHeld(request.body) : undefined
    if (held === undefined) {
      refuse(reply, 400, 'bad_request', USAGE)
      return reply
    }
    return { ...await checkHeld(feed, told, appOf(request), held), following: isFollowing() }
  }
}

const USAGE =
  'send {"sessions": […]}, at most 1000, each the value of x-forward-auth-session, or {"session": "…", "user": "…", ' +
    '"client": "…", "since": seconds since 1970}'
