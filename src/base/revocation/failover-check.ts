import { type Clock, systemClock } from '../clock.ts'
import type { LogConnection } from '../redis/log-connections.ts'
import type { Fields } from './codec.ts'
import type { Snapshot, Written } from './store.ts'
import { compareIds, type StreamId } from './types.ts'

/** Between two attempts to bring the connections together. */
const RENEW_INTERVAL_MS = 1000

/** `entry` is undefined where the server only said which generation is current there. */
type Expectation = Readonly<{ generation: string, entry: Readonly<{ id: StreamId, nonce: string }> | undefined }>

type Renewable = Pick<LogConnection, 'renew'>

/**
 * Follower and publisher belong on one server. After a failover one of them may be left on the old master, which does
 * not know it yet: the follower never reads back what is appended there, and a change of generation goes to the wrong
 * server. They are apart where the servers' own names differ, or, where our user may not read those (INFO), where the
 * follower does not see an entry that the publisher's server said it holds.
 */
export function createFailoverCheck (
  { follower, publisher }: Readonly<Record<'follower' | 'publisher', Renewable>>,
  writer: () => string | undefined,
  clock: Pick<Clock, 'monotonic'> = systemClock
) {
  let last: Expectation | undefined
  let renewed = -Infinity
  function renew (connections: readonly Renewable[]): void {
    const now = clock.monotonic()
    if (now - renewed < RENEW_INTERVAL_MS) return
    renewed = now
    for (const { renew } of connections) renew()
  }
  return Object.freeze({
    /** Reconnects both: their server is not the master any more. */
    renew: () => renew([follower, publisher]),
    /** Notes what the publisher's server answered to that entry. */
    answered (written: Written, { gen, nonce }: Pick<Fields, 'gen' | 'nonce'>): void {
      if (written.kind === 'written') last = { generation: gen, entry: { id: written.id, nonce } }
      else if (written.kind === 'behind') last = { generation: written.generation, entry: undefined }
    },
    /** Called before a snapshot is requested: it must hold what was answered until then. */
    expect (): Expectation | undefined {
      const expectation = last
      last = undefined
      return expectation
    },
    /** Reconnects the follower where it is not on a master, and both where they are on two servers. */
    check (snapshot: Snapshot, expectation: Expectation | undefined, after: StreamId, count: number): void {
      const names = [snapshot.server, writer()].filter((name) => name !== undefined && name !== '')
      // the answers decide only where the names are unknown, which are surer
      const areApart =
        names.length === 2
          ? names[0] !== names[1]
          : expectation !== undefined && !shows(snapshot, expectation, after, count)
      if (!snapshot.isMaster) renew([follower])
      else if (areApart) renew([follower, publisher])
    }
  })
}

/**
 * An entry of another generation may have been there, an answer may come after its entry was read, and the end of a
 * page may lie before it.
 */
function shows (
  { head, entries }: Snapshot,
  { generation, entry }: Expectation,
  after: StreamId,
  count: number
): boolean {
  const isThat = (head?.generation ?? '') === generation
  if (entry === undefined) return isThat
  if (!isThat || head?.nonce === entry.nonce || compareIds(entry.id, after) <= 0) return true
  return entries.length >= count || entries.some(([, fields]) => fields['nonce'] === entry.nonce)
}
