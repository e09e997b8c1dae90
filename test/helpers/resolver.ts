import type { Test } from 'tap'
import { createResolver, type ResolverSettings } from '../../src/base/authgear/resolver/client.ts'
import type { ClientTrace, Resolver, ResolverOutcome, ResolverResult } from '../../src/base/authgear/resolver/types.ts'
import { createKeyer } from '../../src/base/core/cache-key.ts'
import type { Credentials } from '../../src/base/core/credentials.ts'
import { ResolverError } from '../../src/base/errors.ts'
import { credentials, NAMES } from './credentials.ts'
import { headersOf, identityOf } from './identity.ts'
import type { HeaderList } from './recorded.ts'
import { reply } from './upstream.ts'

export const NO_TRACE: ClientTrace = Object.freeze({
  address: undefined, userAgent: undefined, traceparent: undefined, tracestate: undefined
})

export interface TestResolver extends Resolver {
  /** One for each real request, and for each that was turned away. */
  readonly outcomes: ResolverOutcome[]
  /** A verdict, or the code of the error. */
  ask (some?: Partial<Credentials>, trace?: Partial<ClientTrace>): Promise<ResolverResult | string>
  /** What the timer of an idle resolver does. */
  tick (): void
  /** The code of what caused the error; undefined where there is none. */
  causeOfFailure (): Promise<unknown>
}

/** A resolver client for a server on a port of this machine; closed when the test ends. */
export function openResolver (t: Test, port: number, some: Partial<ResolverSettings> = {}): TestResolver {
  const outcomes: ResolverOutcome[] = []
  let tick = (): void => {}
  const repeat = (_ms: number, act: () => void): (() => void) => { tick = act; return () => { tick = () => {} } }
  const resolver = createResolver({
    endpoint: { host: 'myapp.authgear.cloud', scheme: 'https' },
    resolverUrl: `http://127.0.0.1:${port}/resolve`,
    cookieNames: NAMES,
    timeoutMs: 5000,
    maxConcurrency: 4,
    maxQueue: 4,
    ca: undefined,
    ...some
  }, { authgearRequest: outcome => { outcomes.push(outcome) } }, repeat)
  t.teardown(() => resolver.close())
  // each time another client: what one alone meets is no outage
  let asked = 0
  const another = (): Partial<ClientTrace> => ({ address: `192.0.2.${asked++ % 256}`, isNamed: true })
  const resolve = (some: Partial<Credentials>, trace: Partial<ClientTrace> = another()): Promise<ResolverResult> =>
    resolver.resolve(credentials(some), { ...NO_TRACE, ...trace }, keyer.sentDigests(credentials(some)))
  const ask: TestResolver['ask'] = (some = { bearer: 'a' }, trace) =>
    resolve(some, trace).catch((error: unknown) => {
      if (error instanceof ResolverError) return error.code
      throw error
    })
  const causeOfFailure = (): Promise<unknown> =>
    resolve({ bearer: 'a' }).then(() => undefined, (error: { cause?: { code?: unknown } }) => error.cause?.code)
  return { ...resolver, outcomes, ask, tick: () => tick(), causeOfFailure }
}

const keyer = createKeyer(Buffer.alloc(32), { endpoint: 'https://myapp.authgear.cloud', cookiePrefix: '' })

const paired = (flat: readonly string[]): HeaderList =>
  flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ''] as const] : []))

/** The lines that Authgear adds to each answer (docs/inside/authgear.md, "What is Authgear's answer"). */
export const MARKS: HeaderList = [
  ['Permissions-Policy', 'accelerometer=(), ambient-light-sensor=(), autoplay=*'],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Robots-Tag', 'noindex, nofollow']
]

/** Authgear's answers, as bytes. */
export const VALID = reply(200, [...paired(headersOf(identityOf())), ...MARKS])
export const REFUSED = reply(200, [['X-Authgear-Session-Valid', 'false'], ...MARKS])
export const SILENCE = reply(200, MARKS)
