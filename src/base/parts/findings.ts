import type { PublicEndpointSettings } from '../authgear/public-endpoint.ts'
import type { Clock } from '../clock.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import type { Given, SharedRedis } from './given.ts'

/** A problem that `doctor` may find. */
export type PartFinding<Id extends string> =
  Readonly<{ id: Id, severity: 'error' | 'warning', why: string, set: string }>
export type Found<Id extends string> = readonly [id: Id, what: string]
/** Problems of the base's list that a part may find, too. */
export type CommonFinding = 'app-certificate' | 'app-unreachable' | 'rotation' | 'token-keys'
type Findings<Id extends string> = ReadonlyArray<Found<Id | CommonFinding>>
export type Checked<Id extends string> =
  Readonly<{ kind: 'skipped', why: string } | { kind: 'looked', findings: Findings<Id> }>
/** An explanation of a pasted token. `notes`: for a person who wants to know more, also where all is well. */
export type Explained<Id extends string> = Readonly<{ findings: Findings<Id>, notes?: readonly string[] }>
/**
 * The answer of an address. `challenges`: lines of WWW-Authenticate.
 * `unbelieved`: its certificate is not trusted here.
 */
export type Asked = Readonly<
  | { kind: 'answered', status: number, body: string, location?: string | undefined, challenges?: readonly string[] }
  | { kind: 'unbelieved' | 'unreachable', what: string, code: string }
>
/** Sent by POST; the body as JSON. Several values of a header are several lines. */
export type Posted = Readonly<{ headers: Readonly<Record<string, string | readonly string[]>>, body: unknown }>
/** The service as it is configured. */
export type At = Readonly<{
  /** True if it listens by TLS. */
  isTls: boolean
  /** Redis as the service has it, to read from; undefined without it. */
  redis: Pick<SharedRedis, 'commands' | 'sealing' | 'keyOf'> | undefined
  authgear: PublicEndpointSettings
  openAdminApi: Given['openAdminApi']
  clock: Clock
  /** `--url`: where the app is, behind the proxy. */
  url: string | undefined
  /** `--echo`: the path of a page of the app. */
  echo: string
  /** `--mcp`: an MCP server as clients reach it; the pasted token. */
  mcp: Readonly<{ url: string, token: string | undefined }> | undefined
  ask: (address: string, headers?: Readonly<Record<string, string>>) => Promise<Asked>
  post: (address: string, posted: Posted) => Promise<Asked>
}>
/** A check of its own. */
export type Check<Settings, Id extends string> = Readonly<{
  title: string
  /** Why nothing is looked at where the part is off. */
  off: string
  /** It makes no sense while that cannot be reached. */
  needs?: 'authgear' | 'redis'
  /** True if `init` runs it, too, with what it is about to write. */
  isForInit?: true
  run: (settings: Settings, at: At) => Promise<Checked<Id>>
}>

/** A name that people open, for `check --host`. */
export type HostSubject = Readonly<{
  host: string
  /** It is the browser's own machine. */
  isLocal: boolean
  /** The host of AUTHGEAR_ENDPOINT, without its port. */
  authgear: string
  /** Only this machine or container knows that name: it is the simulator's. */
  isSimulated: boolean
}>

/** A request that came through the proxy, as `doctor` saw it. */
export type Arrived = Readonly<{
  /** A header as the app got it; undefined where it got none, or an empty one. */
  header: (name: string) => string | undefined
  /** A document of the service that runs beside it; undefined where nobody answers. */
  published: (path: string) => Promise<string | undefined>
  now: EpochMs
}>
