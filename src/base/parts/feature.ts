import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import type { ResolveOwn } from '../authenticate/types.ts'
import type { CredentialsRead } from '../core/credentials.ts'
import type { Endpoint } from '../core/reason.ts'
import type { ResourceToken } from '../core/resource-token.ts'
import type { Report } from '../http/access-log.ts'
import type { ListenerDeps } from '../http/listener.ts'
import type { PageLinks } from '../http/pages.ts'
import type { Route } from '../http/paths.ts'
import type { Handler, HandlerDeps, HandlerResult, VerifyRequest } from '../http/types.ts'
import type { HeaderContributor } from '../identity/presenter.ts'
import type { Loans } from '../identity/profile.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { RequestCounts } from '../metrics/request-counts.ts'
import type { LogReader, Revocation } from '../revocation/types.ts'
import type { Wrappers } from '../tracing/wrappers.ts'
import type { FindLoginRedirect } from '../verify/refuse.ts'

/** A part that is open: what any part may have. What one alone has is called by its name in src/app/service.ts. */
export type Feature = Readonly<{
  /** Resolves when requests may be taken: what it needs is there, or need not be waited for. */
  ready?: () => Promise<void>
  /** Observes each decision, once it is answered. */
  decided?: Report
  /** Adds headers to each 200. */
  headers?: HeaderContributor
  /** Hears that a signed webhook came, here or at another replica. */
  webhookCame?: () => void
  /** Called with a revocation that this replica takes, before the log has it. */
  taken?: (revocation: Revocation) => void
  /** Called with a revocation that Redis does not take yet. */
  pending?: (revocation: Revocation) => void
  /** Reads what the log says, in its order. */
  reads?: Partial<LogReader>
  /** Hears that Redis may have lost writes: a `connection` is a failover at worst, another `log` an older copy. */
  mayHaveLost?: (what: 'connection' | 'log') => void
  /** Numbers for people: since the start, or how things are now. */
  numbers?: () => Readonly<Record<string, number>>
  /** Opens its files again, on SIGHUP. */
  reopen?: () => void
  /** Hears that this replica is about to end. */
  leave?: () => void
  /** Ends its work in the background, and closes what it holds. */
  close?: () => Promise<void> | void
}>

/** The same, as `open.ts` returns it: with the readers of its gauges. */
export type OpenPart = Feature & Readonly<{ gauges: object }>

/** Handlers that answer a proxy, by endpoint; undefined: that one is off. */
export type Handlers = Readonly<{ [Name in Endpoint]?: Handler | undefined }>

/** The materials of a part's listener, as of the main one. */
export type Serving = Readonly<{
  listenerDeps: ListenerDeps
  handlerDeps: HandlerDeps
  /** By endpoint; where the policy alone chooses, the one of `verify` judges resource tokens too. */
  handlers: Handlers
  /** Each header name that a 200 may have, whatever the route says. In lower case. */
  identityNames: readonly string[]
  /** The same handler, which makes a span of each request where traces are on. */
  traced: Wrappers['handler']
  /** Counts an answer that no handler gave. */
  counted: RequestCounts['request']
}>

/** A document that anybody may read, by any name: on the main listener and on that of management. */
export type PublicDocument = Readonly<{
  /** Exact. No verify route of any proxy may name it: its 200 admits no user. */
  path: string
  endpoint: Endpoint
  read: () => Pick<HandlerResult, 'response' | 'reason'>
}>

/** `unread`: nobody can say here, or not any more, whether the client is blocked. */
export type ClientStanding = 'free' | 'blocked' | 'unread'

/** Judges clients of resource tokens, and sees those that ask. */
export type ClientJudge = Readonly<{
  /** Asked before each 200 for a resource token. */
  standingOf: (clientId: string) => ClientStanding
  /** A token of this client was verified and judged. @param resource of the route */
  saw: (token: Pick<ResourceToken, 'clientId' | 'userId'>, resource: string | undefined, isAllowed: boolean) => void
  /** A client was deleted at Authgear then, whose id never comes back. @returns false: report it again */
  deleted: (clientId: string, at: number) => Promise<boolean>
}>

/** Endpoints that judge requests by more than sessions. */
export type Endpoints = Readonly<{
  /** Instead of the base's. */
  extAuthz: Handler
  /** By name, beside the base's `verify` or instead of it, for listeners of parts. */
  handlers: Handlers
  /** On the main listener, beside `/verify` and the prefix. */
  routes: readonly Route[]
}>

/** A section of the status page, and its script, which runs after the page's own. */
type Section = Readonly<{ html: string, script: string }>

/** A replica's settings that people ask for. */
export type About = Readonly<{
  /** Its machine's name, and its port where it has one. */
  replica: string
  version: string
  /** AUTHGEAR_ENDPOINT */
  endpoint: string
  /** CACHE_TTL */
  ttlMs: number
  /** The sentence that everybody who registers may enter; undefined if the operator said who may. */
  entrance: string | undefined
}>

/** Dependencies of routes on the management listener. */
export type Managing = Readonly<{
  about: About
  reading: Metrics['reading']
  /** For pages that need no token: refuses a browser that came by a name which is not this machine's. */
  ownHostsOnly: onRequestHookHandler
  sections: readonly Section[]
}>

/** Routes on the management listener, a scope of Fastify's to themselves; a change asks for MANAGEMENT_TOKEN. */
export type ManagementRoutes = Readonly<{
  routes: (scope: FastifyInstance, managing: Managing) => void
  section?: Section
}>

/** Credentials of a part's own, instead of Authgear's cookies. */
export type OwnCredentials = Readonly<{
  read: (request: VerifyRequest) => CredentialsRead
  resolve: ResolveOwn
  lend: Loans['lend']
}>

/** Sign-in of people: routes, redirects and links. */
export type SignIn = Readonly<{
  /** On the main listener. */
  routes: readonly Route[]
  /** Links of the pages for people who are refused. */
  links: PageLinks
  /** Undefined: nobody is sent to log in. */
  findLoginRedirect: FindLoginRedirect | undefined
}>
