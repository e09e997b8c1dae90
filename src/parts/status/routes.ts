import { createHash } from 'node:crypto'
import caching, { type AbstractCacheCompliantObject } from '@fastify/caching'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import type { Managing } from '../../base/parts/feature.ts'
import { chartScript, chartStyle } from './charts.ts'
import { factsOf, refusalsOf } from './facts.ts'
import { groupsOf, valuesOf } from './figures.ts'
import { endsOf } from './history.ts'
import { jsonOf } from './of-parts.ts'
import { renderPage, type Status } from './page.ts'
import { SCRIPT } from './script.ts'
import { CONTENT_SECURITY_POLICY } from './style.ts'
import { verdictsOf } from './verdict.ts'

/** The page as data, in seconds, shares, and things a second; `latest` is of the last STEP_MS. */
function renderJson (status: Status): string {
  const { about, state, samples, others, parts } = status
  const [first, now] = endsOf(samples)
  const charts = groupsOf(now, parts).map((group) => [
    group.id,
    Object.fromEntries(valuesOf(group, samples).map(({ id, total = null, latest = null, minutes }) =>
      [id, { total, latest, minutes: minutes.map((value) => value ?? null) }]))
  ])
  return JSON.stringify({
    ...about,
    state,
    verdicts: verdictsOf(factsOf(status), parts),
    refused: Object.fromEntries(refusalsOf(samples)),
    others,
    at: new Date(now.wall).toISOString(),
    windowSeconds: (now.monotonic - first.monotonic) / 1000,
    now: jsonOf(parts, now.now),
    charts: Object.fromEntries(charts)
  })
}

export type StatusDeps = Pick<Managing, 'ownHostsOnly' | 'sections'> & Readonly<{
  status: () => Status
  clock: Clock
}>

/** How long a rendered page, and its tag, is served to all viewers: a 304 is never older. */
const PAGE_LIFE_MS = 1000
/** The script and the runbook change with the version only. */
const FIXED_LIFE_MS = 24 * 60 * 60_000

type Resource = Readonly<{ path: string, type: string, lifeMs: number, render: () => string | Promise<string> }>

/** `GET /`, its scripts and style, `GET /status.json` and `GET /runbook`. */
export function addStatus (app: FastifyInstance, deps: StatusDeps): void {
  const { status, sections } = deps
  const part = sections.map(({ html }) => html).join('')
  const script = SCRIPT + sections.map((section) => section.script).join('')
  const resources: readonly Resource[] = [
    { path: '/', type: 'text/html', lifeMs: PAGE_LIFE_MS, render: () => renderPage(status(), part) },
    { path: '/status.json', type: 'application/json', lifeMs: PAGE_LIFE_MS, render: () => renderJson(status()) },
    { path: '/status.js', type: 'text/javascript', lifeMs: FIXED_LIFE_MS, render: () => script },
    { path: '/charts.js', type: 'text/javascript', lifeMs: FIXED_LIFE_MS, render: chartScript },
    { path: '/charts.css', type: 'text/css', lifeMs: FIXED_LIFE_MS, render: chartStyle },
    { path: '/runbook', type: 'text/html', lifeMs: FIXED_LIFE_MS, render: runbook }
  ]
  for (const resource of resources) addResource(app, resource, deps)
}

const runbook = async (): Promise<string> => (await import('./runbook.ts')).renderRunbook()

/** The headers of each, set before the plugin's hook, which would forbid to keep what a 304 confirms. */
const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff'
} as const

/**
 * In a scope of its own: no other route is behind `@fastify/caching`, whose hooks would answer 304 on `/verify`
 * (docs/inside/decisions/072-caching-on-the-status-page-only.md).
 */
function addResource (app: FastifyInstance, resource: Resource, { clock, ownHostsOnly }: StatusDeps): void {
  const { path, type } = resource
  const { current, isCurrent } = remembered(resource, clock)
  app.register(async (scope) => {
    scope.addHook('onRequest', ownHostsOnly)
    scope.addHook('onRequest', (_request, reply, done) => { reply.headers(HEADERS); done() })
    await scope.register(caching, { cache: tagsOf(isCurrent), privacy: caching.privacy.NOCACHE })
    scope.get(path, async (_request, reply) => {
      const { body, tag } = await current()
      return reply.type(`${type}; charset=utf-8`).etag(tag).send(body)
    })
  })
}

type Key = string | Readonly<{ id: string }>
type Found = Readonly<{ item: unknown, stored: number, ttl: number }>
const FOUND: Found = { item: true, stored: 0, ttl: 0 }

/** The cache that the plugin looks tags up in: it keeps none, since one of them at most is good. */
function tagsOf (isCurrent: (tag: string) => boolean): AbstractCacheCompliantObject {
  return {
    async get (key: Key, callback?: (error: null, found: Found | null) => void) {
      const found = isCurrent(typeof key === 'string' ? key : key.id) ? FOUND : null
      callback?.(null, found)
      return found
    },
    set: (_key, _value, _lifeMs, callback) => callback?.(null, undefined)
  }
}

type Content = Readonly<{ body: string, tag: string, until: number }>

/** Renders once in a lifetime. */
function remembered ({ lifeMs, render }: Resource, clock: Clock) {
  let content: Content | undefined
  const isFresh = (one: Content | undefined): one is Content => one !== undefined && clock.monotonic() < one.until
  return {
    isCurrent: (tag: string): boolean => isFresh(content) && tag === content.tag,
    async current (): Promise<Content> {
      if (isFresh(content)) return content
      const until = clock.monotonic() + lifeMs
      const body = await render()
      content = { body, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`, until }
      return content
    }
  }
}
