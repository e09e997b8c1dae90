import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from 'jose'
import { type Clock, systemRepeat } from '../clock.ts'
import { listOf, objectOf, parseObject } from '../core/json.ts'
import { KeysUnavailable } from '../errors.ts'
import { openPublicEndpoint, type PublicEndpointSettings } from './public-endpoint.ts'

export type KeySetObserver = Readonly<{ fetched: (error: KeysUnavailable | undefined) => void }>

type KidSource = 'strangers' | 'token endpoint'

/** The keys by which Authgear signs tokens, at `/oauth2/jwks` (docs/resource-tokens.md). */
export type KeySet = Readonly<{
  /**
   * Jose's key getter for the key of this id, which may have to be fetched.
   * @param source who named the id: strangers, by default, or Authgear's token endpoint, which has lookups of its own
   * @returns undefined where Authgear has no such key
   * @throws {KeysUnavailable} where nobody can say
   */
  keyOf: (kid: string, source?: KidSource) => Promise<JWTVerifyGetKey | undefined>
  /** The key getter of the newest set: another one where Authgear publishes other keys than before. */
  current: () => JWTVerifyGetKey | undefined
  close: () => Promise<void>
}>

/** Pause after a failed fetch, and how long a kid that a fetch did not return counts as unknown. */
const MIN_INTERVAL_MS = 10_000
/** The same before the first set is there: without one nobody can sign in. */
const FIRST_INTERVAL_MS = 1000
/**
 * Whatever kids strangers send, Authgear is asked no more often; a few at once, so that one hides no new key, and then
 * one at a time, so that none is hidden for long.
 */
const MAX_LOOKUPS = 6
const LOOKUP_EVERY_MS = 10_000
/** Kids that are remembered as unknown. */
const MAX_UNKNOWN = 1000
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
  let isClosed = false
  let underWay: Promise<void> | undefined
  const lookupsOf = { strangers: createLookups(clock), 'token endpoint': createLookups(clock) }

  async function refresh (): Promise<void> {
    attemptedAt = clock.monotonic()
    try {
      const text = await authgear.get('/oauth2/jwks')
      if (text !== loaded?.text) loaded = await readKeySet(text)
      lastError = undefined
    } catch (error) {
      lastError = error instanceof KeysUnavailable ? error : new KeysUnavailable('it failed', error)
    }
    if (!isClosed) observer.fetched(lastError)
  }

  function refreshOnce (): Promise<void> {
    underWay ??= refresh().finally(() => { underWay = undefined })
    return underWay
  }
  const isDue = (ms: number): boolean => clock.monotonic() - attemptedAt >= ms
  const isFailed = (): boolean => loaded === undefined || lastError !== undefined
  const pauseMs = (): number => loaded === undefined ? FIRST_INTERVAL_MS : MIN_INTERVAL_MS
  const stopLooking = systemRepeat(LOOK_INTERVAL_MS, () => {
    if (isDue(isFailed() ? pauseMs() : REFRESH_INTERVAL_MS)) refreshOnce().catch(() => {})
  })
  refreshOnce().catch(() => {})

  return Object.freeze({
    async keyOf (kid: string, source: KidSource = 'strangers'): Promise<JWTVerifyGetKey | undefined> {
      const lookups = lookupsOf[source]
      if (loaded?.kids.has(kid) === true) return loaded.getKey
      if (lookups.isUnknown(kid)) return undefined
      // one that is under way may have begun before this key was published
      if (underWay !== undefined) await underWay.catch(() => {})
      if (loaded?.kids.has(kid) === true) return loaded.getKey
      const isLookedUp = underWay !== undefined || (isFailed() ? isDue(pauseMs()) : lookups.take())
      if (isLookedUp) await refreshOnce()
      if (loaded?.kids.has(kid) === true) return loaded.getKey
      // neither an outage nor a stranger's flood is a refusal
      if (lastError !== undefined) throw lastError
      if (!isLookedUp) throw new KeysUnavailable('too many unknown key ids were requested within a minute')
      lookups.noteUnknown(kid)
      return undefined
    },
    current: () => loaded?.getKey,
    async close (): Promise<void> {
      isClosed = true
      stopLooking()
      await authgear.close()
    }
  })
}

/** The budget of fetches for unknown kids, and those that a fetch did not show. */
function createLookups (clock: Pick<Clock, 'monotonic'>) {
  let left = MAX_LOOKUPS
  let countedAt = clock.monotonic()
  const unknown = new Map<string, number>()
  return Object.freeze({
    take (): boolean {
      const passed = (clock.monotonic() - countedAt) / LOOKUP_EVERY_MS
      countedAt = clock.monotonic()
      left = Math.min(MAX_LOOKUPS, left + passed)
      if (left < 1) return false
      left -= 1
      return true
    },
    isUnknown: (kid: string): boolean => clock.monotonic() - (unknown.get(kid) ?? -Infinity) < MIN_INTERVAL_MS,
    noteUnknown (kid: string): void {
      if (unknown.size >= MAX_UNKNOWN) unknown.clear()
      unknown.set(kid, clock.monotonic())
    }
  })
}

/** @throws {KeysUnavailable} for what holds no key that could sign a token */
export async function readKeySet (text: string): Promise<Loaded> {
  const keys = listOf(parseObject(text)?.['keys']).filter(isSigningKey).slice(0, MAX_KEYS)
  if (keys.length === 0) throw new KeysUnavailable('its answer has no RS256 key with a kid')
  const { createLocalJWKSet } = await import('jose')
  const getKey = createLocalJWKSet({ keys } satisfies JSONWebKeySet)
  return { text, kids: new Set(keys.map(({ kid }) => kid)), getKey }
}

/** RS256 alone; the private part of a key, or a symmetric one, is no public key of Authgear's. */
function isSigningKey (value: unknown): value is JWK & { kid: string, kty: 'RSA' } {
  const key: JWK = objectOf(value) ?? {}
  return key.kty === 'RSA' && typeof key.kid === 'string' && key.kid !== '' && typeof key.n === 'string' &&
    typeof key.e === 'string' && key.d === undefined && (key.alg ?? 'RS256') === 'RS256' && (key.use ?? 'sig') === 'sig'
}
