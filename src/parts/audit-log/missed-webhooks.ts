import type { Clock } from '../../base/clock.ts'
import { REVOKING } from '../../base/authgear/webhook-events.ts'

/** Changes of users that the audit log has, and of which no webhook told. */
export type MissedWebhooks = Readonly<{
  /** A signed webhook came, here or at another replica. */
  webhookCame: () => void
  /** An entry of the audit log was read. @param second when Authgear wrote it */
  read: (activity: string, second: number) => void
  /** The changes since the last webhook. */
  count: () => number
}>

/** A webhook may be older than its entry by so much: clocks differ, and an entry may be written seconds late. */
const MARGIN_MS = 60_000

const TOLD = new Set(Array.from(REVOKING, (type) => type.replaceAll('.', '_')))

/** @returns whether a webhook for `"*"` comes with this activity. @param activity in lower case, as a metric's label */
export function comesWithWebhook (activity: string): boolean {
  return TOLD.has(activity) || activity.startsWith('identity_')
}

/** Nothing else tells that Authgear does not call us: what it does not send leaves no trace here. */
export function createMissedWebhooks (clock: Pick<Clock, 'wall'>): MissedWebhooks {
  let cameAt = -Infinity
  let count = 0
  return Object.freeze({
    webhookCame () {
      cameAt = clock.wall()
      count = 0
    },
    read (activity, second) {
      if (comesWithWebhook(activity) && second * 1000 > cameAt + MARGIN_MS) count++
    },
    count: () => count
  })
}
