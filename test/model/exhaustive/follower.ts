import type { Rule, Rules } from './rules.ts'
import type { Entry, Replica, State } from './state.ts'

export const has = ({ without }: Rules, rule: Rule): boolean => without !== rule
const newest = (numbers: readonly number[]): number => Math.max(0, ...numbers)

/** `Ledger.isVoid`: what it resolved itself, by the order in which it learned. */
export const isVoid = (replica: Replica, { local }: Entry, rules: Rules): boolean =>
  replica.floor > local || newest(replica.known) > local ||
  (has(rules, 'what is taken holds at once') && newest(replica.own) > local)

/** `Ledger.trusts`: what another one resolved, by the time in the log. */
export function trusts (replica: Replica, entry: Entry, rules: Rules): boolean {
  if (replica.lacking.length > 0) return false
  if (entry.log !== replica.log && has(rules, 'an entry counts in its log alone')) return false
  return newest(replica.own) === 0 && newest(replica.times) <= entry.at
}

/** `poll`, to the end of the log: what it does not believe it begins anew. */
export function poll (state: State, replica: Replica, rules: Rules): void {
  const { server } = state
  const isMoved = replica.history !== server.history && has(rules, 'another server makes everything void')
  if (isMoved) replica.floor = ++replica.local
  replica.history = server.history
  replica.hasPolled = true
  const isWhole = server.count === server.stream.length || !has(rules, 'the head counts the entries')
  const isKnown = server.begun === server.history || !has(rules, 'a log is believed in its history alone')
  if (server.log === 0 || !isWhole || !isKnown) {
    Object.assign(server, { log: ++state.logs, begun: server.history, count: 0, stream: [] })
  }
  if (server.log !== replica.log) adopt(state, replica, rules)
  for (; replica.at < server.stream.length; replica.at++) read(state, replica, replica.at, rules)
}

function adopt ({ server }: State, replica: Replica, rules: Rules): void {
  Object.assign(replica, { log: server.log, at: 0 })
  replica.times.fill(0)
  replica.lacking = has(rules, 'what a new log lacks is written')
    ? replica.known.flatMap((number, which) => number > 0 ? [which] : [])
    : []
}

function read (state: State, replica: Replica, at: number, rules: Rules): void {
  const which = state.server.stream[at] ?? 0
  if (replica.known[which] === 0) replica.known[which] = ++replica.local
  replica.times[which] = at + 1
  replica.lacking = replica.lacking.filter((other) => other !== which)
  const isByName = !has(rules, 'the revocation itself confirms, not its name')
  replica.own.forEach((number, own) => {
    if (number === 0 || (own !== which && !isByName)) return
    replica.own[own] = 0
    state.acknowledged = [...new Set([...state.acknowledged, own])].sort()
  })
}
