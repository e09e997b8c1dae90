import { randomBytes } from 'node:crypto'

export type PresenceDeps = Readonly<{
  /** Announces that name. @returns how many replicas announced themselves within the last `windowMs` */
  announce: (name: string, windowMs: number) => Promise<number>
  /** A replica that does not follow the log does not announce itself. */
  isFollowing: () => boolean
  failed: (error: unknown) => void
  /** Between two announcements. */
  everyMs?: number
}>

export type Presence = Readonly<{
  /** Replicas that follow the log, this one included; 0 = not known. */
  seen: () => number
  close: () => Promise<void>
}>

const ANNOUNCE_EVERY_MS = 2000
/** Three announcements may be lost before a replica counts as gone. */
const WINDOW_INTERVALS = 3.5

/** The log does not name its readers, so each replica announces itself now and then; only the status page uses it. */
export function openPresence ({ announce, isFollowing, failed, everyMs = ANNOUNCE_EVERY_MS }: PresenceDeps): Presence {
  const name = randomBytes(8).toString('hex')
  let seen = 0
  let telling = Promise.resolve()
  const tell = async (): Promise<void> => {
    try {
      seen = isFollowing() ? await announce(name, WINDOW_INTERVALS * everyMs) : 0
    } catch (error) {
      seen = 0
      failed(error)
    }
  }
  const timer = setInterval(() => { telling = tell() }, everyMs)
  return Object.freeze({
    seen: () => isFollowing() ? seen : 0,
    close: async () => {
      clearInterval(timer)
      await telling
    }
  })
}
