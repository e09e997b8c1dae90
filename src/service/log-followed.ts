import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'

/** A start waits no longer for the revocation log. */
const FOLLOW_WITHIN_MS = 2000
const LOOK_INTERVAL_MS = 5

export type LogFollowedDeps = Readonly<{
  isFollowing: () => boolean
  /** Whether a connection has failed: Redis being down is no reason to wait. */
  isRedisDown: () => boolean
  clock: Pick<Clock, 'monotonic'>
  sleep?: (ms: number) => Promise<unknown>
}>

/**
 * Resolves when the revocations are followed, cannot be, or are not within two seconds: an answer from before their
 * first read is forgotten with it, and would be asked for twice.
 */
export async function untilLogFollowed ({ isFollowing, isRedisDown, clock, ...deps }: LogFollowedDeps): Promise<void> {
  const pause = deps.sleep ?? sleep
  const began = clock.monotonic()
  while (!isFollowing() && !isRedisDown() && clock.monotonic() - began < FOLLOW_WITHIN_MS) await pause(LOOK_INTERVAL_MS)
}
