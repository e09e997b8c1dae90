import type { Clock } from '../clock.ts'
import { describe, type Log } from '../log.ts'

export function complaints (log: Log): { noVerdict: () => void, unforeseen: (error: unknown) => void } {
  return {
    noVerdict: () => log.warn('Authgear named no verdict at all for a session cookie, twice: check AUTHGEAR_COOKIE_PREFIX, AUTHGEAR_ENDPOINT and its database connections'),
    unforeseen: (error) => log.error({ error: describe(error) }, 'an error nobody foresaw: please report it')
  }
}

export type Teller = Readonly<{ tell: (operation: string, error: unknown) => void, forget: () => void }>

/** What Redis refuses is told once a connection: a right that an ACL user lacks, a full memory. Lost connections tell themselves. */
export function createTeller (log: Log): Teller {
  const told = new Set<string>()
  return {
    forget: () => told.clear(),
    tell (operation: string, error: unknown): void {
      const refusal = error instanceof Error && error.name === 'ReplyError' ? error.message.split(' ')[0] ?? '' : undefined
      if (refusal === undefined || told.has(`${operation} ${refusal}`)) return
      told.add(`${operation} ${refusal}`)
      log.warn({ operation, refusal }, 'Redis refuses a command: check the rights of its user and its memory')
    }
  }
}

/** Once in so many milliseconds, however often it is called. */
export function seldom (clock: Clock, everyMs: number, act: () => void): () => void {
  let last = -Infinity
  return () => {
    if (clock.monotonic() - last < everyMs) return
    last = clock.monotonic()
    act()
  }
}
