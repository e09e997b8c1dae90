import type { Clock } from '../clock.ts'
import { type KeySource, MAX_AGE_SECONDS } from './sources.ts'

/** By so much one replica may learn of a key later than another: a mounted secret takes a minute or two. */
const SPREAD_MS = 300_000
/** From when a key is published until it signs in place of another: no verifier holds a set without it any more. */
export const PUBLISH_AHEAD_MS = MAX_AGE_SECONDS * 1000 + SPREAD_MS
/** A key that signs no more is published for longer than what it signed lives, and others may still sign by it. */
export const PUBLISH_AFTER_MS = PUBLISH_AHEAD_MS + 60_000

export type KeyRing = Readonly<{
  /**
   * From now on the first of them is to sign, and all are published.
   * @param firstAfterMs for how long the first must have been published where nothing has signed yet
   */
  want: (sources: readonly KeySource[], firstAfterMs: number) => void
  /** @returns undefined as long as nothing may sign */
  signer: () => KeySource | undefined
  /** Begins with the one that signs. */
  published: () => readonly KeySource[]
}>

type Held = { readonly source: KeySource, readonly since: number, usedAt: number }

/** Publishes each source before it signs, and for a while after. By the monotonic clock. */
export function createKeyRing (clock: Pick<Clock, 'monotonic'>): KeyRing {
  const held = new Map<string, Held>()
  let wanted: ReadonlySet<Held> = new Set()
  let preferred: Held | undefined
  let signing: Held | undefined
  let firstMs = 0
  const hold = (source: KeySource): Held => {
    const now = clock.monotonic()
    const entry = held.get(source.id) ?? { source, since: now, usedAt: now }
    held.set(source.id, entry)
    return entry
  }
  function forgetUnused (): void {
    const now = clock.monotonic()
    for (const [id, entry] of held) {
      if (!wanted.has(entry) && entry !== signing && now - entry.usedAt > PUBLISH_AFTER_MS) held.delete(id)
    }
  }
  function signer (): KeySource | undefined {
    if (preferred === signing || preferred === undefined) return signing?.source
    const now = clock.monotonic()
    const waitMs = signing === undefined ? firstMs : PUBLISH_AHEAD_MS
    if (now - preferred.since < waitMs) return signing?.source
    if (signing !== undefined) signing.usedAt = now
    signing = preferred
    return signing.source
  }
  return Object.freeze({
    want (sources: readonly KeySource[], firstAfterMs: number): void {
      for (const entry of wanted) entry.usedAt = clock.monotonic()
      const entries = sources.map(hold)
      wanted = new Set(entries)
      preferred = entries[0]
      firstMs = firstAfterMs
      forgetUnused()
    },
    signer,
    published (): readonly KeySource[] {
      const first = signer()
      forgetUnused()
      const others = [...held.values()].map(({ source }) => source).filter((source) => source !== first)
      return first === undefined ? others : [first, ...others]
    }
  })
}
