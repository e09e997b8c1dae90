import type { Clock } from '../../base/clock.ts'
import { createHmacSha256 } from '../../base/crypto/hmac.ts'
import type { Credentials } from '../../base/core/credentials.ts'
import type { McpCall } from '../../base/core/mcp-call.ts'
import { withoutNames } from '../../base/core/policy-names.ts'
import type { Endpoint } from '../../base/core/reason.ts'
import type { Reported } from '../../base/http/access-log.ts'
import { hostOf } from '../../base/http/request.ts'
import type { TrustProxy } from '../../base/http/trusted-proxies.ts'
import type { HandlerResult, Location } from '../../base/http/types.ts'
import type { Revocation, Target } from '../../base/revocation/types.ts'
import { createFolds, type Counted } from './folds.ts'
import {
  callIn, cut, type Decided, encode, kindOf, namesOf, type PathDetail, pathOf, tokenIn, verdictOf
} from './line.ts'
import type { Sink } from './sink.ts'

/** ACCESS_RECORD…: docs/access-record.md. */
export type AccessRecordSettings = Readonly<{
  /** Undefined: standard output, between the lines of the log. */
  file: string | undefined
  /** Milliseconds in which repeats fold into one line; 0: no folding. */
  windowMs: number
  path: PathDetail
  /** True if the client's address is written. */
  address: boolean
  /** A request that cannot be written is not allowed. */
  isRequired: boolean
}>

export type AccessRecord = Readonly<{
  /** Every answer of every endpoint, once. */
  report: (reported: Reported, result: HandlerResult) => void
  /** A revocation that this replica took: what another one took is in that one's record. */
  revoked: (revocation: Revocation) => void
  /** A veto on what cannot be recorded (ACCESS_RECORD_REQUIRED). */
  vetoes: () => 'record_unavailable' | undefined
  sweep: () => void
  /** Writes what is counted. */
  flush: () => void
  /** The same, and waits for it for a moment. */
  close: () => Promise<void>
}>

export type AccessRecordDeps = Readonly<{
  settings: AccessRecordSettings
  sink: Sink
  /** This replica's name. */
  replica: string
  /** The name of this process: the lines of each are numbered from 1. */
  run: string
  /** Derived from CACHE_SECRET for this alone: names sessions alike on every replica. */
  sessionKey: Uint8Array
  trustProxy: TrustProxy
  /** The header of a token whose digest a line holds. */
  tokenHeader: string | undefined
  clock: Clock
  /** Bytes that folds may take. */
  maxBytes: number
  /** There was no room for a line. */
  lost: () => void
}>

/** Strangers choose hosts, methods and policies: they cannot make as many lines as they like, and share one then. */
const STRANGER = {
  user: undefined, method: '', path: undefined, call: '', policy: '', isStranger: true
} as const
const CLOSE_WITHIN_MS = 2000
/**
 * The words of a line of each endpoint; a new one does not compile without. Only with a rule is the query the proxy's
 * own: of a login it holds a code, and the address to go back to. Documents and other paths neither allow nor refuse.
 */
const LINES: Readonly<Record<Endpoint, 'with its rule' | 'without a rule' | 'none'>> = {
  verify: 'with its rule',
  'ext-authz': 'with its rule',
  resource: 'with its rule',
  'resource-or-session': 'with its rule',
  identify: 'without a rule',
  login: 'without a rule',
  metadata: 'none',
  jwks: 'none',
  other: 'none'
}

export function createAccessRecord (deps: AccessRecordDeps): AccessRecord {
  const { settings, sink, replica, run, trustProxy, clock, lost } = deps
  let seq = 0
  let missing = 0

  /** A line that is lost has its number, too: a gap is seen. */
  function write (content: object): void {
    seq++
    const line = encode({ record: 'access', seq, replica, run, ...content, ...missing > 0 && { missing } })
    if (sink.write(line)) {
      missing = 0
      return
    }
    missing++
    lost()
  }

  const folds = createFolds({ windowMs: settings.windowMs, maxBytes: deps.maxBytes, clock }, (one: Counted) => {
    const { decided, count, first, last } = one
    const began = timeOf(first)
    write({ at: began, ...decided, count, first: began, last: last === first ? began : timeOf(last) })
  })
  const describe = createDescribe(deps)

  return Object.freeze({
    report (reported: Reported, result: HandlerResult): void {
      if (LINES[reported.endpoint] === 'none') return
      const where = whereOf(reported, trustProxy)
      const verdict = verdictOf(result, reported.endpoint)
      const { who, reason } = result
      const { endpoint } = reported
      const { host, method } = where
      const policy = policyOf(reported)
      const call = LINES[endpoint] === 'with its rule' ? callIn(method, reported.rawHeaders) : undefined
      const decide = (): Decided => describe(reported, result, { ...where, call, policy })
      if (who === undefined) {
        const isCrowded = folds.isCrowded()
        const same = { ...STRANGER, verdict, reason, endpoint, host: isCrowded ? undefined : host }
        folds.add(isCrowded ? '' : host ?? '', same, decide)
      } else {
        const path = pathOf(where.uri, settings.path)
        const same = { user: who.userId, verdict, reason, endpoint, host, method, path, call: textOfCall(call), policy }
        folds.add(who.key, same, decide)
      }
    },
    revoked ({ target, origin }: Revocation): void {
      const names = target.kind === 'user'
        ? { user: cut(target.userId, 128) }
        : target.kind === 'client' ? { client: cut(target.clientId, 512) } : blockedIn(target)
      write({ at: timeOf(clock.wall()), event: 'revocation', origin, target: target.kind, ...names })
    },
    vetoes: () => settings.isRequired && !sink.isWritable() ? 'record_unavailable' : undefined,
    sweep (): void { folds.sweep(); sink.look() },
    flush: folds.flush,
    async close (): Promise<void> {
      folds.flush()
      await sink.close(CLOSE_WITHIN_MS)
    }
  })
}

/** A block or its lift is recorded as a revocation is. */
function blockedIn (target: Target): object {
  if (target.kind !== 'block') return {}
  return { client: cut(target.name, 512), blocked: target.mark.isBlocked }
}

const timeOf = (ms: number): string => new Date(ms).toISOString()

/** @returns what fills a line of one decision */
function createDescribe ({ settings, sessionKey, tokenHeader }: AccessRecordDeps) {
  const digest = createHmacSha256(sessionKey)
  return (reported: Reported, result: HandlerResult, { call, policy, ...where }: What): Decided => ({
    verdict: verdictOf(result, reported.endpoint),
    reason: result.reason,
    kind: kindOf(result.who),
    ...namesOf(result.who),
    session: result.who && digest(textOf(result.who.credentials)).slice(0, 22),
    endpoint: reported.endpoint,
    host: cut(where.host, 255),
    method: cut(where.method, 32),
    path: pathOf(where.uri, settings.path),
    mcp_method: call?.method,
    tool: cut(call?.name, 512),
    policy: policy === '' ? undefined : cut(policy, 256),
    address: settings.address ? reported.client().address : undefined,
    source: result.source,
    request: reported.requestId,
    trace: (result.trace ?? reported.traceIds())?.trace_id,
    assertion: tokenIn(result, tokenHeader)
  })
}

const textOfCall = (call: McpCall | undefined): string => call === undefined ? '' : `${call.method} ${call.name ?? ''}`

/** By their names alone: to compare whole entries JavaScript would turn each into a string. */
const textOf = (credentials: Credentials): string =>
  JSON.stringify(Object.entries(credentials).toSorted(([one], [other]) => one < other ? -1 : 1))

/** The proxy's own words; in a policy header a client can only make things stricter. */
function policyOf ({ endpoint, query, proxy: { policies } }: Reported): string {
  if (LINES[endpoint] !== 'with its rule') return ''
  if (policies.length === 0) return shown(query ?? '')
  return [...query === undefined || query === '' ? [] : [query], ...policies].map(shown).join(' & ')
}

const shown = (policy: string): string => /user=|email=/.test(policy)
  ? policy.split('&').map(withoutNames).join('&')
  : policy

type Where = Location & Readonly<{ method: string }>
type What = Where & Readonly<{ call: McpCall | undefined, policy: string }>

const NAMED = { 16: 'x-forwarded-host', 15: 'x-forwarded-uri', 18: 'x-forwarded-method' } as const

/** Host, path and method of the client's request, as far as the peer may be believed. */
function whereOf (reported: Reported, trustProxy: TrustProxy): Where {
  const { method, rawHeaders, socket } = reported
  const location = reported.location?.()
  if (location !== undefined) return { ...location, method }
  if (!trustProxy(socket.remoteAddress, 0)) return { host: undefined, uri: undefined, method }
  let host: string | undefined
  let uri: string | undefined
  let forwarded: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const known = NAMED[name.length as keyof typeof NAMED]
    if (known === undefined || (name !== known && name.toLowerCase() !== known)) continue
    if (known === 'x-forwarded-host') host = rawHeaders[i + 1]
    else if (known === 'x-forwarded-uri') uri = rawHeaders[i + 1]
    else forwarded = rawHeaders[i + 1]
  }
  return { host: host ?? hostOf(rawHeaders), uri, method: forwarded ?? method }
}
