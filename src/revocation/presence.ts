import { randomBytes } from 'node:crypto'

export type PresenceDeps = Readonly<{
  /** Tells the others under that name. @returns how many told within the last `windowMs` */
  announce: (name: string, windowMs: number) => Promise<number>
  /** Who does not follow the log is not on it. */
  isFollowing: () => boolean
  failed: (error: unknown) => void
}>

export type Presence = Readonly<{
  /** Replicas that follow the log, this one included; 0 = not known. */
  seen: () => number
  close: () => Promise<void>
}>

/** Milliseconds between two announcements; three may be lost before a replica counts as gone. */
const EVERY = 2000
const WINDOW = 3.5 * EVERY

/** Nothing in the log names its readers, so each says now and then that it is there: for people who look, no decision uses it. */
export function openPresence ({ announce, isFollowing, failed }: PresenceDeps): Presence {
  const name = randomBytes(8).toString('hex')
  let seen = 0
  let telling = Promise.resolve()
  const tell = async (): Promise<void> => {
    try {
      seen = isFollowing() ? await announce(name, WINDOW) : 0
    } catch (error) {
      seen = 0
      failed(error)
    }
  }
  const timer = setInterval(() => { telling = tell() }, EVERY)
  return Object.freeze({
    seen: () => isFollowing() ? seen : 0,
    close: async () => {
      clearInterval(timer)
      await telling
    }
  })
}
