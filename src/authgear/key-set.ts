import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from 'jose'
import { type Clock, systemRepeat } from '../clock.ts'
import { KeysUnavailable } from '../errors.ts'
import { openPublicEndpoint, type PublicEndpointSettings } from './public-endpoint.ts'

export type KeySetObserver = Readonly<{ fetched: (error: KeysUnavailable | undefined) => void }>

/** The keys by which Authgear signs tokens, at `/oauth2/jwks` (docs/resource-tokens.md). */
export type KeySet = Readonly<{
  /**
   * Jose's key getter for the key of this id, which may have to be fetched.
   * @returns undefined where Authgear has no such key
   * @throws {KeysUnavailable} where nobody can say
   */
  keyOf: (kid: string) => Promise<JWTVerifyGetKey | undefined>
  /** The key getter of the newest set: another one where Authgear publishes other keys than before. */
  current: () => JWTVerifyGetKey | undefined
  close: () => Promise<void>
}>

/** Whatever kids strangers send, Authgear is asked no more often. */
const MIN_INTERVAL_MS = 10_000
const REFRESH_INTERVAL_MS = 5 * 60_000
const LOOK_INTERVAL_MS = 1000
const MAX_KEYS = 32

/** A set that was fetched; `kids` of the keys that may sign a token. */
type Loaded = Readonly<{ text: string, kids: ReadonlySet<string>, getKey: JWTVerifyGetKey }>

/** Fetches in the background from its start, and keeps what it has where a fetch fails. Never rejects at the start. */
export function openKeySet (
  settings: PublicEndpointSettings,
  { clock, observer }: Readonly<{ clock: Pick<Clock, 'monotonic'>, observer: KeySetObserver }>
): KeySet {
  const authgear = openPublicEndpoint(settings)
  let loaded: Loaded | undefined
  let lastError: KeysUnavailable | undefined
  let attemptedAt = -Infinity
  let underWay: Promise<void> | undefined

  async function refresh (): Promise<void> {
    attemptedAt = clock.monotonic()
    try {
      const text = await authgear.get('/oauth2/jwks')
      if (text !== loaded?.text) loaded = await readKeySet(text)
      lastError = undefined
    } catch (error) {
      lastError = error instanceof KeysUnavailable ? error : new KeysUnavailable('it failed', error)
    }
    observer.fetched(lastError)
  }

  function refreshOnce (): Promise<void> {
    underWay ??= refresh().finally(() => { underWay = undefined })
    return underWay
  }
  const isDue = (ms: number): boolean => clock.monotonic() - attemptedAt >= ms
  const stopLooking = systemRepeat(LOOK_INTERVAL_MS, () => {
    const failed = loaded === undefined || lastError !== undefined
    if (isDue(failed ? MIN_INTERVAL_MS : REFRESH_INTERVAL_MS)) refreshOnce().catch(() => {})
  })
  refreshOnce().catch(() => {})

  return Object.freeze({
    async keyOf (kid: string): Promise<JWTVerifyGetKey | undefined> {
      if (loaded?.kids.has(kid) === true) return loaded.getKey
      if (underWay !== undefined || isDue(MIN_INTERVAL_MS)) await refreshOnce()
      if (loaded?.kids.has(kid) === true) return loaded.getKey
      if (lastError !== undefined) throw lastError // an outage is no refusal
      return undefined
    },
    current: () => loaded?.getKey,
    async close (): Promise<void> {
      stopLooking()
      await authgear.close()
    }
  })
}

/** @throws {KeysUnavailable} for what holds no key that could sign a token */
export async function readKeySet (text: string): Promise<Loaded> {
  const keys = parseKeys(text)?.filter(isSigningKey).slice(0, MAX_KEYS) ?? []
  if (keys.length === 0) throw new KeysUnavailable('its answer holds no RS256 key with a kid')
  const { createLocalJWKSet } = await import('jose')
  const getKey = createLocalJWKSet({ keys } satisfies JSONWebKeySet)
  return { text, kids: new Set(keys.map(({ kid }) => kid)), getKey }
}

function parseKeys (text: string): readonly JWK[] | undefined {
  try {
    const set: unknown = JSON.parse(text)
    const keys = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
    return Array.isArray(keys) ? keys.filter((key): key is JWK => typeof key === 'object' && key !== null) : undefined
  } catch {
    return undefined
  }
}

/** RS256 alone; the private part of a key, or a symmetric one, is no public key of Authgear's. */
function isSigningKey (key: JWK): key is JWK & { kid: string, kty: 'RSA' } {
  return key.kty === 'RSA' && typeof key.kid === 'string' && key.kid !== '' && typeof key.n === 'string' &&
    typeof key.e === 'string' && key.d === undefined && (key.alg ?? 'RS256') === 'RS256' && (key.use ?? 'sig') === 'sig'
}
