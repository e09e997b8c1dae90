import { randomBytes } from 'node:crypto'

export type PresenceDeps = Readonly<{
  /** Tells the others under that name. @returns how many told within the last `windowMs` */
  announce: (name: string, windowMs: number) => Promise<number>
  /** Who does not follow the log is not on it. */
  isFollowing: () => boolean
  failed: (error: unknown) => void
  /** Milliseconds between two announcements. */
  everyMs?: number
}>

export type Presence = Readonly<{
  /** Replicas that follow the log, this one included; 0 = not known. */
  seen: () => number
  close: () => Promise<void>
}>

const EVERY = 2000
/** Three announcements may be lost before a replica counts as gone. */
const WINDOWS = 3.5

/**
 * Nothing in the log names its readers, so each says now and then that it is there: for people who look, no decision
 * uses it.
 */
export function openPresence ({ announce, isFollowing, failed, everyMs = EVERY }: PresenceDeps): Presence {
  const name = randomBytes(8).toString('hex')
  let seen = 0
  let telling = Promise.resolve()
  const tell = async (): Promise<void> => {
    try {
      seen = isFollowing() ? await announce(name, WINDOWS * everyMs) : 0
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
