import { systemClock, type Clock } from '../clock.ts'
import type { LogConnection } from '../redis/log-connections.ts'
import type { Fields } from './log-entry.ts'
import type { Snapshot, Written } from './log-store.ts'
import { compareIds, type StreamId } from './position.ts'

/** Milliseconds between two attempts to bring the connections together. */
const PAUSE = 1000

export type OneServer = Readonly<{
  /** What the publisher's server answered to that entry. */
  answered: (written: Written, fields: Fields) => void
  /** To be taken before a snapshot is sent: only what was answered until then must be in it. */
  expect: () => Expectation | undefined
  /** Connects anew what is not on the master, or both where they are on two. */
  check: (snapshot: Snapshot, expectation: Expectation | undefined, after: StreamId, count: number) => void
}>

/** `entry` is undefined where the server only said which generation is current there. */
type Expectation = Readonly<{ generation: string, entry: Readonly<{ id: StreamId, nonce: string }> | undefined }>

type Renewable = Pick<LogConnection, 'renew'>

/**
 * Follower and publisher belong on one server. After a failover one of them may be left on the old master, which does not know
 * it yet: what is appended there is never read back, and a change of generation goes to the wrong one.
 * They are apart where the servers' own names differ, or, where our user may not ask for those (INFO), where the follower does not see
 * what the publisher's server said it holds.
 */
export function createOneServer ({ follower, publisher }: Readonly<Record<'follower' | 'publisher', Renewable>>, writer: () => string | undefined, clock: Pick<Clock, 'monotonic'> = systemClock): OneServer {
  let last: Expectation | undefined
  let renewed = -Infinity
  function renew (connections: readonly Renewable[]): void {
    const now = clock.monotonic()
    if (now - renewed < PAUSE) return
    renewed = now
    for (const { renew } of connections) renew()
  }
  return Object.freeze({
    answered (written: Written, { gen, nonce }: Fields): void {
      last = written.kind === 'written' ? { generation: gen, entry: { id: written.id, nonce } } : { generation: written.generation, entry: undefined }
    },
    expect (): Expectation | undefined {
      const expectation = last
      last = undefined
      return expectation
    },
    check (snapshot: Snapshot, expectation: Expectation | undefined, after: StreamId, count: number): void {
      const names = [snapshot.server, writer()].filter((name) => name !== undefined && name !== '')
      // by what was answered only where the names are not known: they are surer
      const areApart = names.length === 2 ? names[0] !== names[1] : expectation !== undefined && !shows(snapshot, expectation, after, count)
      if (!snapshot.isMaster) renew([follower])
      else if (areApart) renew([follower, publisher])
    }
  })
}

/** An entry of another generation may have been there, an answer may come after its entry was read, and the end of a page may lie before it. */
function shows ({ head, entries }: Snapshot, { generation, entry }: Expectation, after: StreamId, count: number): boolean {
  const isThat = (head?.generation ?? '') === generation
  if (entry === undefined) return isThat
  if (!isThat || head?.nonce === entry.nonce || compareIds(entry.id, after) <= 0) return true
  return entries.length >= count || entries.some(([, fields]) => fields['nonce'] === entry.nonce)
}
