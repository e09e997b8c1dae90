import { randomBytes } from 'node:crypto'
import type { Replica } from '../../base/parts/given.ts'
import type { Announced, Announcement } from './announce.ts'

export type PresenceDeps = Readonly<{
  /**
   * Announces that name and what it says.
   * @returns how many replicas announced themselves within the last `windowMs`, and what MAX_SHOWN of them say
   */
  announce: (announcement: Announcement) => Promise<Announced>
  /** This replica as it is now. */
  self: () => Replica
  /** A replica that does not follow the log does not announce itself. */
  isFollowing: () => boolean
  failed: (error: unknown) => void
  /** Between two announcements. */
  everyMs?: number
}>

const ANNOUNCE_EVERY_MS = 2000
/** Three announcements may be lost before a replica counts as gone. */
const WINDOW_INTERVALS = 3.5

/** So many replicas are read back, and shown. */
export const MAX_SHOWN = 50
const NOBODY: Announced = { count: 0, newest: [] }

/** The log does not name its readers, so each replica announces itself now and then; only the status page uses it. */
export function openPresence ({ announce, self, isFollowing, failed, everyMs = ANNOUNCE_EVERY_MS }: PresenceDeps) {
  const id = randomBytes(8).toString('hex')
  let known = NOBODY
  let lastCount = 1
  let telling = Promise.resolve()
  const tell = async (): Promise<void> => {
    try {
      const announcement = { id, says: write(self()), windowMs: WINDOW_INTERVALS * everyMs, most: MAX_SHOWN }
      known = isFollowing() ? await announce(announcement) : NOBODY
      if (known.count > 0) lastCount = known.count
    } catch (error) {
      known = NOBODY
      failed(error)
    }
  }
  const timer = setInterval(() => { telling = tell() }, everyMs)
  return Object.freeze({
    /** Replicas that follow the log, this one included; 0 = not known. */
    seen: () => isFollowing() ? known.count : 0,
    /** The same when they were last counted; 1 before. */
    lastSeen: () => lastCount,
    /** Some of them, the first by name; this one is not among them. */
    others: (): readonly Replica[] => isFollowing() ? othersOf(known, id) : [],
    close: async (): Promise<void> => {
      clearInterval(timer)
      await telling
    }
  })
}

/** A replica whose announcement cannot be read is ignored. */
function othersOf ({ newest }: Announced, own: string): readonly Replica[] {
  return newest
    .flatMap(([id, says]) => id === own ? [] : read(says) ?? [])
    .sort((a, b) => a.name.localeCompare(b.name))
}

const write = ({ name, state, authgear }: Replica): string => `${state} ${authgear} ${name}`

/** A host's name and a port, if it is that: an attacker who can write to Redis may have put anything there. */
const SAYS = /^(starting|serving|draining) (ok|failing) ([\w.-]{1,253}(?::\d{1,5})?)$/

function read (says: string): Replica | undefined {
  const [, state, authgear, name] = SAYS.exec(says) ?? []
  if (state === undefined || authgear === undefined || name === undefined) return undefined
  return { name, state: state as Replica['state'], authgear: authgear as Replica['authgear'] }
}
