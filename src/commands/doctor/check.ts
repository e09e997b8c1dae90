import type { ResolverProbe } from '../../base/authgear/resolver/probe.ts'
import type { Clock } from '../../base/clock.ts'
import type { Config } from '../../base/config/index.ts'
import type { RedisKeys } from '../../base/redis/keys.ts'
import type { RedisLook } from '../../base/redis/probe.ts'
import type { Finding } from './catalogue.ts'
import type { DoctorOptions } from './options.ts'

/** True for the codes of Node and Redis' client for a name that does not resolve. */
export function isNameError (code: string): boolean {
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NONAME'
}

/** OpenSSL's and Node's codes about certificates, and a server that speaks something else. */
export function isTlsError (code: string): boolean {
  return /CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|UNABLE_TO|SELF_SIGNED|HOSTNAME_MISMATCH/.test(code)
}

export type DoctorRedis = RedisLook & Readonly<{ keys: RedisKeys }>

export type Context = Readonly<{
  config: Config
  /** AUTHGEAR_ENDPOINT as it was written. */
  endpointText: string
  options: DoctorOptions
  /** The text from stdin. */
  pasted: string
  clock: Clock
  look: ResolverProbe
  /** Undefined without Redis. */
  redis: DoctorRedis | undefined
}>

/** `notes` is for a person who wants to know more, also where all is well. */
type Looked = Readonly<{ kind: 'looked', findings: readonly Finding[], notes?: readonly string[] }>
export type Outcome =
  | Looked
  /** Nothing to look at, or nothing could be learnt; `why` is for a person. */
  | Readonly<{ kind: 'skipped', why: string }>

export type Result = Readonly<{ title: string, outcome: Outcome }>

/** The checks with their findings; `endpoint` is the Authgear that they are about. */
export type Report = Readonly<{ endpoint: string | undefined, results: readonly Result[] }>

/** One file each: an effect that observes, and a pure judgement of what was observed. */
export type Probe = Readonly<{
  title: string
  /** The server without which this check makes no sense. */
  needs?: 'authgear' | 'redis'
  /** An error of this one means that it cannot be reached. */
  reaches?: 'authgear' | 'redis'
  run: (context: Context) => Promise<Outcome>
}>

export const looked = (...findings: ReadonlyArray<Finding | undefined>): Looked => ({
  kind: 'looked',
  findings: findings.filter((finding) => finding !== undefined)
})
export const skipped = (why: string): Outcome => ({ kind: 'skipped', why })
/** Why a check is skipped that needs what another one did not find. */
export const SEE_ABOVE = 'see above'

/** Why Authgear's cookies are not read; undefined: they are. */
export const hidingOf = ({ config: { parts } }: Pick<Context, 'config'>): string | undefined =>
  parts.map(({ claims }) => claims.hidesCookies).find((why) => why !== undefined)
