import { createHash } from 'node:crypto'
import caching from '@fastify/caching'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import { abstractCache, type TagStore } from './etags.ts'
import { isOwnHost } from './host.ts'
import { renderJson } from './json.ts'
import { renderPage, type Status } from './page.ts'
import { SCRIPT } from './script.ts'
import { CONTENT_SECURITY_POLICY } from './style.ts'

export type StatusDeps = Readonly<{
  status: () => Status
  clock: Clock
  tags: TagStore
  /** This machine's own name. */
  machine: string
  /** MANAGEMENT_HOSTS */
  hosts: readonly string[]
}>

type Content = Readonly<{ body: string, tag: string, until: number }>

/** Milliseconds that a rendered page is good for, however many look at it; its tag lives no longer, so that a 304 is never older. */
const LIFE = 1000
/** Milliseconds; the script changes with the version only. */
const FOREVER = 24 * 60 * 60_000
/** Bytes; ours have 24. */
const LONGEST_TAG = 64

/** `GET /`, its script, and `GET /status.json`: the only routes behind `@fastify/caching`, whose hooks would answer 304 on `/verify` (docs/decisions/072). */
export function addStatus (app: FastifyInstance, { status, clock, tags, machine, hosts }: StatusDeps): void {
  const cache = abstractCache(tags)
  const resources: ReadonlyArray<readonly [path: string, type: string, lifeMs: number, render: () => string]> = [
    ['/', 'text/html; charset=utf-8', LIFE, () => renderPage(status())],
    ['/status.json', 'application/json; charset=utf-8', LIFE, () => renderJson(status())],
    ['/status.js', 'text/javascript; charset=utf-8', FOREVER, () => SCRIPT]
  ]
  for (const [path, type, lifeMs, render] of resources) {
    const content = remembered(clock, lifeMs, render)
    app.register(async (scope) => {
      scope.addHook('onRequest', (request, reply, done) => {
        if (!isOwnHost(request.headers.host, machine, hosts)) return refuseHost(reply)
        prepare(request, reply)
        done()
      })
      await scope.register(caching, { cache, cacheSegment: path, privacy: caching.privacy.NOCACHE })
      scope.get(path, (_request, reply) => {
        const { body, tag, until } = content()
        reply.type(type).etag(tag, Math.max(1, Math.round(until - clock.monotonic()))).send(body)
      })
    })
  }
}

/** Before the plugin's own hook, which would look any text up, and would forbid to keep what a 304 confirms. */
function prepare (request: FastifyRequest, reply: FastifyReply): void {
  if ((request.headers['if-none-match']?.length ?? 0) > LONGEST_TAG) delete request.headers['if-none-match']
  reply.headers({
    'cache-control': 'no-cache',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff'
  })
}

export function refuseHost (reply: FastifyReply): void {
  const text = 'This is not shown to a browser under this host name: use an address, or add the name to MANAGEMENT_HOSTS.\n'
  reply.code(403).type('text/plain; charset=utf-8').send(text)
}

function remembered (clock: Clock, lifeMs: number, render: () => string): () => Content {
  let content: Content | undefined
  return () => {
    const now = clock.monotonic()
    if (content !== undefined && now < content.until) return content
    const body = render()
    content = { body, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`, until: now + lifeMs }
    return content
  }
}
