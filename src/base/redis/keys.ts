import { createHash } from 'node:crypto'

/** The names of all keys but those of entries. They share one hash tag, so that a Cluster keeps them in one slot. */
export type RedisKeys = Readonly<{
  /** The beginning of the names of the revocation log's keys and of parts' own, up to a colon. */
  log: string
  /** Holds what the first replica sealed: a replica that cannot open it has another CACHE_SECRET. */
  secretCheck: string
  /** Exists while a signed webhook arrived not long ago. */
  webhookSeen: string
  /** `doctor` tries its user's rights on it, and deletes it. */
  trial: string
}>

/** @param origin of AUTHGEAR_ENDPOINT: two projects may share one Redis */
export function redisKeysOf (prefix: string, origin: string): RedisKeys {
  const log = logKey(prefix, origin)
  return Object.freeze({
    log,
    secretCheck: `${log}:canary`,
    webhookSeen: partKey(log, WEBHOOK_SEEN),
    trial: trialKey(log)
  })
}

/** The digest names the project; it is no secret. */
export function logKey (prefix: string, origin: string): string {
  return `${prefix}{log:${createHash('sha256').update(origin).digest('base64url').slice(0, 16)}}`
}

/** A key of a part's own. */
export const partKey = (log: string, purpose: string): string => `${log}:${purpose}`

export const trialKey = (log: string): string => `${log}:doctor`

/**
 * The key of a form: the number is in the name but of the form that the key had `first`. Two releases beside each other
 * then neither see nor overwrite what the other one writes.
 */
export const keyOfForm = (name: string, form: number, first = 1): string => form === first ? name : `${name}${form}`

/** An entry and its lease share a slot, so that their order holds in a Cluster too. */
export const entryKey = (prefix: string, key: string): string => `${prefix}{${key}}:entry`
export const leaseKey = (prefix: string, key: string): string => `${prefix}{${key}}:lease`

/** The key that exists while a signed webhook came not long ago, among those of `partKey`. */
export const WEBHOOK_SEEN = 'webhook-seen'
/** How long Redis remembers that a signed webhook came. */
export const WEBHOOK_KNOWN_MS = 30 * 86_400_000
