import { at, heard, isMasterProven } from './mastery.ts'
import { FIRST_GENERATION } from './initial.ts'
import { adopt, apply, isFollowing, skip } from './ledger.ts'
import { MAX_JUNK, MEANS_THE_SAME, obeys, type Rules } from './rules.ts'
import {
  bit, has, SERVERS, set, withReplica, withServer, type LogEntry, type Own, type Replica, type ServerIndex,
  type State, type Token
} from './state.ts'
import { adopted, mayAdopt, mayChange, saw, tried } from './suspension.ts'
import { acknowledge } from './stages.ts'

/** `src/base/revocation/stream-log.ts`: one turn of `poll`, from its snapshot to what follows from it. */
export function poll (state: State, rules: Rules, index: number, server: ServerIndex): State {
  const { log, isOfHistory } = state.servers[server]
  const generation = log?.[0]?.token ?? 0
  const replica = sawHead(at(state, index), heard(state, rules, index, server), generation, rules)
  const seen = withReplica(state, index, replica)
  if (log === undefined || hasLeft(replica, rules, generation)) return change(seen, rules, index, server)
  if (!isOfHistory && mayLack(replica, rules, generation)) return change(seen, rules, index, server)
  if (generation !== replica.generation) return adoptIfAllowed(seen, rules, index, generation)
  if (!linksUp(replica, rules, log)) return change(seen, rules, index, server)
  return linked(seen, rules, index, server, log.slice(replica.read.length))
}

function sawHead (replica: Replica, mastery: Replica['mastery'], generation: Token, { world }: Rules): Replica {
  const suspension = world.maxChanges === 0 ? replica.suspension : saw(replica.suspension, generation)
  return { ...replica, mastery, suspension }
}

/** `step.ts`, `mayLack` and `isRead`. */
function mayLack (replica: Replica, rules: Rules, generation: Token): boolean {
  const isAdopted = generation === replica.generation
  if ((isAdopted && replica.isCaughtUp) || generation === replica.began) return false
  if (isAdopted && !obeys(rules, 'also one that was adopted and not read')) return false
  if (replica.hasFollowed && !obeys(rules, 'also by a replica that has followed another')) return false
  return obeys(rules, 'a log is believed only in its history')
}

function hasLeft ({ left }: Replica, rules: Rules, generation: Token): boolean {
  return left.includes(generation) && obeys(rules, 'no generation comes back')
}

/** `stream-log.ts`, `change` and log.lua's `change`: an atomic compare-and-set. */
function change (state: State, rules: Rules, index: number, server: ServerIndex): State {
  const replica = at(state, index)
  const isBounded = obeys(rules, 'generations that change too often are not adopted')
  if (isBounded && !mayChange(replica.suspension)) return state
  const token = state.tokens + 1
  const { secret } = replica
  const first: LogEntry = { token, of: -1, all: false, secret, isRewritten: false, missedBy: gaps(state) }
  const began = replica.hasFollowed ? 0 : token
  const changed = withServer({ ...state, tokens: token }, server, { log: [first], isOfHistory: true })
  return withReplica(changed, index, { began, suspension: tried(replica.suspension, rules.world.maxChanges) })
}

const gaps = ({ replicas }: State): number =>
  replicas.reduce((bits, { hasGap }, index) => hasGap ? bits | bit(index) : bits, 0)

/** `step.ts`, `adopt`. */
function adoptIfAllowed (state: State, rules: Rules, index: number, generation: Token): State {
  const replica = at(state, index)
  const isBounded = obeys(rules, 'generations that change too often are not adopted')
  if (isBounded && !mayAdopt(replica.suspension)) return state
  const isFirst = replica.generation === 0
  const forgets = isFirst && replica.memory !== undefined
  const suspension = adopted(replica.suspension, rules.world.maxChanges, isFirst)
  const next = withReplica(state, index, { ...adopt(replica, rules, generation), suspension })
  return forgets ? { ...next, broken: 'forgets what it resolved after it said ready' } : next
}

/** `step.ts`, `linksUp`: a nonce stands for the whole chain before it. */
function linksUp ({ read }: Replica, rules: Rules, log: readonly LogEntry[]): boolean {
  const isForged = log.slice(read.length).some(({ isRewritten }) => isRewritten)
  if (isForged && obeys(rules, 'a nonce is a digest of its entry')) return false
  if (read.length === 0 || !obeys(rules, 'a poll links up')) return true
  return log[read.length - 1]?.token === read.at(-1)
}

/** `step.ts`: entries are applied; `publisher.ts`, `publish`: what was appended before and not seen is due. */
function linked (state: State, rules: Rules, index: number, server: ServerIndex, news: readonly LogEntry[]): State {
  const covered = rules.world.hasTokens ? cover(at(state, index), rules, index, news) : at(state, index)
  const read = news.reduce((replica, entry) => applyEntry(replica, rules, entry), covered)
  const replica: Replica = {
    ...endSkipping(read, rules),
    isCaughtUp: true,
    isFresh: true,
    hasFollowed: true,
    began: 0,
    own: read.own.map((own) => own === 'appended' ? 'taken' : own),
    republish: read.republish.map((item) => item && { ...item, attempt: 'due' })
  }
  const confirmed = withServer(state, server, { isOfHistory: true }) // `createHistoryConfirmation`
  const closed = rules.world.hasTokens ? closeGap(confirmed, rules, index, replica) : undefined
  return acknowledgeRead(closed ?? withReplica(confirmed, index, replica), rules, index, server, state)
}

/** `step.ts`, `coverageOf`, and `token-ledger.ts`, `covers`: at the first entry of a generation. */
function cover (replica: Replica, rules: Rules, index: number, [first]: readonly LogEntry[]): Replica {
  if (first === undefined || first.of !== -1) return replica
  const isOld = first.token === FIRST_GENERATION || !obeys(rules, 'a token from before the log began is unknown')
  return has(first.missedBy, index) ? { ...replica, isWhole: isOld } : replica
}

/** `token-ledger.ts`, `linked`. */
function closeGap (state: State, rules: Rules, index: number, replica: Replica): State {
  const counts = isFollowing(replica) || !obeys(rules, 'following a deposed master covers no gap')
  if (!counts) return withReplica(state, index, replica)
  return SERVERS.reduce((some, server) => {
    const { log } = some.servers[server]
    const first = log?.[0]
    if (log === undefined || first === undefined || !has(first.missedBy, index)) return some
    const noted = { ...first, missedBy: first.missedBy & ~bit(index) }
    return withServer(some, server, { log: set(log, 0, noted) })
  }, withReplica(state, index, { ...replica, hasGap: false }))
}

/** `publisher.ts`, `confirm`: what this poll has read; `acknowledgements.ts`, `settle`: what a doubted one had. */
function acknowledgeRead (state: State, rules: Rules, index: number, server: ServerIndex, before: State): State {
  const replica = at(state, index)
  if (!isMasterProven(replica) && obeys(rules, 'a doubted master acknowledges nothing')) return state
  const isCarrying = replica.republish.some((item) => item !== undefined)
  const wasDoubted = at(before, index).own.map((own) => own === 'readBack')
  const isDone = (own: Own, of: number): boolean => own === 'readBack' && !(isCarrying && wasDoubted[of] === true)
  if (!replica.own.some(isDone)) return state
  const own = replica.own.map((some, of) => isDone(some, of) ? 'no' : some)
  return replica.own.reduce((some, was, of) => isDone(was, of) ? acknowledge(some, rules, of, server) : some,
    withReplica(state, index, { own }))
}

/** `step.ts`, `createApplying`, and `codec.ts`, `decode`. */
function applyEntry (replica: Replica, rules: Rules, { token, of, all, secret, isRewritten }: LogEntry): Replica {
  if (of === -1 || isRewritten) return apply(replica, token, -1, false)
  const isForeign = secret !== replica.secret
  const kind = rules.world.revocations[of] ?? 'credential'
  if (isForeign && (all || !MEANS_THE_SAME[kind])) return applyJunk(replica, rules, token, of)
  const applied = apply(replica, token, of, all)
  const own = applied.own[of]
  const isOwn = !all && (own === 'taken' || own === 'appended')
  return isOwn ? { ...applied, own: set(applied.own, of, 'readBack') } : applied
}

/** `junk.ts`, `admit`. Junk that is no revocation of ours has a number beyond them. */
function applyJunk (replica: Replica, rules: Rules, token: Token, of: number): Replica {
  const junk = replica.isCaughtUp ? Math.min(replica.junk + 1, MAX_JUNK + 1) : replica.junk
  const overtakes = { ...replica, junk, isOvertaken: true }
  const isExcess = junk > MAX_JUNK || replica.skipping !== 'no'
  if (!replica.isCaughtUp || !isExcess || !obeys(rules, 'junk beyond a few entries is skipped')) {
    return apply(overtakes, token, of, true)
  }
  return { ...skip(overtakes, token, of), skipping: junk > MAX_JUNK ? 'yes' : replica.skipping }
}

/** `junk.ts`, `ends`, and `ledger.ts`, `voidSkipped`. */
function endSkipping (replica: Replica, rules: Rules): Replica {
  if (replica.skipping !== 'over') return replica
  const ended: Replica = { ...replica, skipping: 'no', skipped: 0, knows: replica.knows | replica.skipped }
  const raises = obeys(rules, 'what is older than skipped junk is void')
  return raises ? { ...ended, voidBefore: Math.max(replica.voidBefore, replica.skippedTo) } : ended
}
