import { at } from './mastery.ts'
import { obeys, type Rules } from './rules.ts'
import {
  bit, set, withReplica, withServer, type LogEntry, type Replica, type ServerIndex, type State
} from './state.ts'

/**
 * `src/base/revocation/publisher.ts`, `revoke`, and `ledger.ts`, `take`: revocations come in the order of their
 * numbers.
 */
export function take (state: State, index: number, of: number): State {
  const replica = at(state, index)
  const own = set(replica.own, of, 'taken')
  const taken = withReplica(state, index, { own, knows: replica.knows | bit(of), ended: replica.ended | bit(of) })
  return { ...taken, stages: set(state.stages, of, 'taken') }
}

type Item = Readonly<{ of: number, isOwn: boolean, all: boolean }>

/** `sender.ts`, `dueSlice`, with slices of one entry: own revocations first; of the others each may be due first. */
export function dueItems ({ own, republish }: Replica, rules: Rules): Item[] {
  const mine = own.flatMap((some, of) => some === 'taken' ? [{ of, isOwn: true, all: false }] : [])
  const carried = republish.flatMap((item, of) => item?.attempt === 'due' ? [{ of, isOwn: false, all: item.all }] : [])
  const [first] = mine
  if (first !== undefined && obeys(rules, 'new revocations go first')) return [first]
  return carried.length > 0 ? carried : mine.slice(0, 1)
}

/**
 * `sender.ts`, `append`, and log.lua's `append`: only in the current generation. Where another replica was first it
 * learns the head's nonce and tries again at once, so that it never fails for that.
 */
export function append (state: State, index: number, server: ServerIndex, item: Item): State {
  const replica = at(state, index)
  const { log = [] } = state.servers[server]
  const token = state.tokens + 1
  const entry: LogEntry = { token, of: item.of, all: item.all, secret: replica.secret, isRewritten: false, missedBy: 0 }
  const written = withServer({ ...state, tokens: token }, server, { log: [...log, entry] })
  if (item.isOwn) return withReplica(written, index, { own: set(replica.own, item.of, 'appended') })
  const waits = replica.own.includes('taken')
  const republish = set(replica.republish, item.of, { all: item.all, attempt: 'appended' as const })
  const sent = withReplica(written, index, { republish })
  return waits ? { ...sent, broken: 'writes an old revocation before a new one' } : sent
}

/** log.lua: `current ~= ARGV[2]` is `behind`, and changes nothing. */
export function mayAppend (state: State, replica: Replica, server: ServerIndex): boolean {
  return replica.generation !== 0 && state.servers[server].log?.[0]?.token === replica.generation
}
