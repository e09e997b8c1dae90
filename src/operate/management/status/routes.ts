import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import caching from '@fastify/caching'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../../clock.ts'
import { CLIENTS_PART, CLIENTS_SCRIPT } from './clients.ts'
import { factsOf, refusalsOf } from './facts.ts'
import { groupsOf, valuesOf } from './figures.ts'
import { renderPage, type Status } from './page.ts'
import { SCRIPT } from './script.ts'
import { CONTENT_SECURITY_POLICY } from './style.ts'
import { verdictsOf } from './verdict.ts'

/** The protocol of abstract-cache as `@fastify/caching` speaks it; its types know one of the two forms of `get`. */
export type AbstractCache = Readonly<{
  get: (key: Key, callback?: (error: unknown, found: Found | null) => void) => Promise<Found | null>
  set: (key: Key, value: unknown, lifeMs: number, callback?: (error: unknown, result: unknown) => void) => Promise<void>
}>
type Key = string | Readonly<{ id: string, segment: string }>
type Found = Readonly<{ item: unknown, stored: number, ttl: number }>

/** Where tags are; may be slow, and may fail. */
export type TagStore = Readonly<{
  get: (name: string) => Found | undefined | Promise<Found | undefined>
  set: (name: string, value: unknown, lifeMs: number) => void | Promise<void>
}>

/** After this the page is rendered instead of waiting for a tag. */
const TAG_DEADLINE_MS = 50

/**
 * Callbacks for the plugin and promises for the protocol. Never rejects, never waits for long: what cannot be told is a
 * miss.
 */
export function abstractCache (store: TagStore, deadlineMs = TAG_DEADLINE_MS): AbstractCache {
  return Object.freeze({
    async get (key: Key, callback?: (error: unknown, found: Found | null) => void) {
      const found = await within(deadlineMs, () => store.get(nameOf(key))) ?? null
      callback?.(null, found)
      return found
    },
    async set (key: Key, value: unknown, lifeMs: number, callback?: (error: unknown, result: unknown) => void) {
      await within(deadlineMs, () => store.set(nameOf(key), value, lifeMs))
      callback?.(null, undefined)
    }
  })
}

const nameOf = (key: Key): string => typeof key === 'string' ? key : `${key.segment} ${key.id}`

/** @returns undefined where it fails, or takes longer */
async function within<T> (limitMs: number, ask: () => T | Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => { timer = setTimeout(resolve, limitMs, undefined) })
  try {
    return await Promise.race([ask(), late])
  } catch {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** More than there are resources, each with the tags of a second. */
const MAX_TAGS = 16

/** In memory, the oldest first to go. */
export function createTagStore (clock: Pick<Clock, 'monotonic'>): TagStore {
  const tags = new Map<string, Found & Readonly<{ until: number }>>()
  return Object.freeze({
    get (name: string) {
      const found = tags.get(name)
      return found === undefined || found.until <= clock.monotonic() ? undefined : found
    },
    set (name: string, item: unknown, ttl: number) {
      const stored = clock.monotonic()
      tags.delete(name)
      tags.set(name, { item, stored, ttl, until: stored + ttl })
      const [oldest] = tags.keys()
      if (tags.size > MAX_TAGS && oldest !== undefined) tags.delete(oldest)
    }
  })
}

/**
 * Whether the page may be shown under that name: an address, this machine's own name (whole, or its first part), or one
 * of MANAGEMENT_HOSTS. By any other name a hostile site could have pointed itself here (DNS rebinding) and read the
 * page as its own.
 * @param allowed lower case; `*.example.com` stands for every name below
 */
export function isOwnHost (header: string | undefined, machine: string, allowed: readonly string[]): boolean {
  const [, v6, name] = /^(?:\[([^\]]*)\]|([\w-]+(?:\.[\w-]+)*\.?))(?::\d{1,5})?$/.exec(header ?? '') ?? []
  if (v6 !== undefined) return isIP(v6) === 6
  if (name === undefined) return false
  if (isIP(name) === 4) return true
  const host = name.toLowerCase().replace(/\.$/, '')
  const [own, short] = [machine.toLowerCase(), machine.toLowerCase().split('.')[0]]
  return (
    ['localhost', own, short].includes(host) || host.endsWith('.localhost') || allowed.some((one) => matches(host, one))
  )
}

const matches = (host: string, pattern: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 : host === pattern

/** The page as data, in seconds, shares, and things a second; `latest` is of the last STEP_MS. */
function renderJson (status: Status): string {
  const { about, state, samples, others } = status
  const [first, now] = [samples[0], samples.at(-1)]
  if (first === undefined || now === undefined) throw new Error('a status without a sample')
  const charts = groupsOf(now).map((group) => [
    group.id,
    Object.fromEntries(valuesOf(group, samples).map(({ id, total = null, latest = null, minutes }) =>
      [id, { total, latest, minutes: minutes.map((value) => value ?? null) }]))
  ])
  return JSON.stringify({
    ...about,
    state,
    verdicts: verdictsOf(factsOf(status)),
    refused: Object.fromEntries(refusalsOf(samples)),
    others,
    at: new Date(now.wall).toISOString(),
    windowSeconds: (now.monotonic - first.monotonic) / 1000,
    now: now.now,
    charts: Object.fromEntries(charts)
  })
}

export type StatusDeps = Readonly<{
  status: () => Status
  clock: Clock
  tags: TagStore
  /** This machine's own name. */
  machine: string
  /** MANAGEMENT_HOSTS */
  hosts: readonly string[]
  /** Whether there is `GET /clients` to show. */
  hasClients: boolean
}>

type Render = () => string | Promise<string>
type Content = Readonly<{ body: string, tag: string, until: number }>

/**
 * Milliseconds that a rendered page is good for, however many look at it; its tag lives no longer, so that a 304 is
 * never older.
 */
const TAG_LIFE_MS = 1000
/** The script and the runbook change with the version only. */
const SCRIPT_LIFE_MS = 24 * 60 * 60_000
/** Ours have 24. */
const MAX_TAG_BYTES = 64

/**
 * `GET /`, its script, `GET /status.json` and `GET /runbook`: the only routes behind `@fastify/caching`, whose hooks
 * would answer 304 on `/verify` (docs/inside/decisions/072-caching-on-the-status-page-only.md).
 */
export function addStatus (
  app: FastifyInstance,
  { status, clock, tags, machine, hosts, hasClients }: StatusDeps
): void {
  const cache = abstractCache(tags)
  const [part, script] = hasClients ? [CLIENTS_PART, SCRIPT + CLIENTS_SCRIPT] : ['', SCRIPT]
  const resources: ReadonlyArray<readonly [path: string, type: string, lifeMs: number, render: Render]> = [
    ['/', 'text/html; charset=utf-8', TAG_LIFE_MS, () => renderPage(status(), part)],
    ['/status.json', 'application/json; charset=utf-8', TAG_LIFE_MS, () => renderJson(status())],
    ['/status.js', 'text/javascript; charset=utf-8', SCRIPT_LIFE_MS, () => script],
    ['/runbook', 'text/html; charset=utf-8', SCRIPT_LIFE_MS, async () => (await import('./runbook.ts')).renderRunbook()]
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
      scope.get(path, async (_request, reply) => {
        const { body, tag, until } = await content()
        return reply.type(type).etag(tag, Math.max(1, Math.round(until - clock.monotonic()))).send(body)
      })
    })
  }
}

/** Before the plugin's own hook, which would look any text up, and would forbid to keep what a 304 confirms. */
function prepare (request: FastifyRequest, reply: FastifyReply): void {
  if ((request.headers['if-none-match']?.length ?? 0) > MAX_TAG_BYTES) delete request.headers['if-none-match']
  reply.headers({
    'cache-control': 'no-cache',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff'
  })
}

export function refuseHost (reply: FastifyReply): void {
  const text =
    'This is not shown to a browser under this host name: use an address, or add the name to MANAGEMENT_HOSTS.\n'
  reply.code(403).type('text/plain; charset=utf-8').send(text)
}

function remembered (clock: Clock, lifeMs: number, render: Render): () => Promise<Content> {
  let content: Content | undefined
  return async () => {
    const now = clock.monotonic()
    if (content !== undefined && now < content.until) return content
    const body = await render()
    content = {
      body,
      tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      until: now + lifeMs
    }
    return content
  }
}
