import type { AdminApi, AdminApiLimits } from '../authgear/admin-api/client.ts'
import type { KeySet, KeySetObserver } from '../authgear/key-set.ts'
import type { SharedError } from '../cache/contention.ts'
import type { Clock } from '../clock.ts'
import type { Keyer } from '../core/cache-key.ts'
import type { DigestForm } from '../core/rotation.ts'
import type { Sealing } from '../crypto/sealing.ts'
import type { TlsMaterial } from '../http/tls.ts'
import type { TrustProxy } from '../http/trusted-proxies.ts'
import type { Unfinished } from '../http/unfinished.ts'
import type { Log, WritePiece } from '../logging/log.ts'
import type { RedisCommands } from '../redis/commands.ts'
import type { RevocationLog } from '../revocation/types.ts'
import type { Waits } from '../timing.ts'

/** Keys of one purpose, derived from CACHE_SECRET, and from the previous one while it is rotated. */
export type PurposeKeys = Readonly<{ current: Uint8Array, previous: Uint8Array | undefined }>

/** Redis, as far as parts keep something there that replicas share. */
export type SharedRedis = Pick<Waits, 'leaseMs' | 'leaseWaitMs' | 'settleMs'> & Readonly<{
  commands: RedisCommands
  /** The same with half a second at least, for what no request waits for. */
  patient: RedisCommands
  sealing: Sealing
  /** REDIS_KEY_PREFIX, for entries of a cache. */
  keyPrefix: string
  /** The name of a part's own key, of this project alone. */
  keyOf: (purpose: string) => string
  /** True if the connection was lost, or the first one failed. */
  isDown: () => boolean
  /** Reports each kind of refusal once a connection. */
  reportOnce: (operation: string, error: unknown) => void
  /** Counts and reports errors of a cache. */
  cacheError: SharedError
}>

/** A replica, as it tells the others and people. */
export type Replica = Readonly<{
  /** Its machine's name, and its port where it has one. */
  name: string
  state: 'starting' | 'serving' | 'draining'
  /** `failing`: it does not ask Authgear after failures. */
  authgear: 'ok' | 'failing'
}>

/** What each part is given; src/app adds to it what one of them alone needs. */
export type Given = Readonly<{
  clock: Clock
  log: Log
  version: string
  /** Standard output, where it is a pipe that the log writes to. */
  stdout: WritePiece | undefined
  /** This machine's name. */
  machine: string
  /** This replica as it is now. */
  self: () => Replica
  /** Undefined without Redis. */
  redis: SharedRedis | undefined
  /** Opens Authgear's Admin API; undefined without AUTHGEAR_ADMIN_API_URL. */
  openAdminApi: ((limits: AdminApiLimits) => AdminApi) | undefined
  /**
   * `issuer`: the origin that its tokens name. `waitingBytes`: for all requests that wait for it together. `timeoutMs`:
   * AUTHGEAR_TIMEOUT.
   */
  authgear: Readonly<{ issuer: string, waitingBytes: number, timeoutMs: number, ca: string | undefined }>
  /** Authgear's signing keys, one set for all parts; the first part that opens it is notified of each fetch. */
  openKeySet: (fetched: KeySetObserver['fetched']) => KeySet
  keyer: Keyer
  keysFor: (purpose: string) => PurposeKeys
  /** Writes a digest for another replica, whichever secrets that has. */
  digestForm: DigestForm
  /** Names CACHE_SECRET in what was made under it, and says nothing of it. */
  secretId: string
  /** Bytes of its share of CACHE_MAX_MEMORY. */
  maxBytes: number
  trustProxy: TrustProxy
  /** True while the revocation log is followed. */
  isFollowing: () => boolean
  revoke: RevocationLog['revoke']
  /** MANAGEMENT_TOKEN */
  managementToken: string | undefined
  /** CACHE_DEGRADED_TTL: how long values read from Redis stay valid while it is down. */
  degradedTtlMs: number
  /** True if a part tells of clients that are deleted at Authgear. */
  tellsDeletions: boolean
  /** CACHE_TTL */
  ttlMs: number
  /** CACHE_TTL plus CACHE_STALE_IF_ERROR: the longest that any data of a session is remembered. */
  lifetimeMs: number
  /** Milliseconds for one query, instead of a part's own bound; tests set it. */
  queryMs?: number | undefined
  /** Undefined: listeners speak no TLS. */
  tls: TlsMaterial | undefined
  /** The budget of unfinished requests, for all listeners together. */
  unfinished: Unfinished
}>
