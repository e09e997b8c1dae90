import { isMiss, isReady, land, question, readShared, remember, share } from './cache.ts'
import {
  copyTo, crash, failOver, flush, giveUpOnReplica, loseReplica, mayHappen, part, reaches, rejoin, restore, rewrite,
  spend, start
} from './faults.ts'
import { poll } from './follower.ts'
import { accepted, usable } from './ledger.ts'
import { at } from './mastery.ts'
import { normalise } from './normalise.ts'
import { append, dueItems, mayAppend, take } from './publisher.ts'
import { obeys, type Fault, type Rules } from './rules.ts'
import { logStages, violation } from './stages.ts'
import { other, REPLICAS, SERVERS, withReplica, withServer, type Replica, type State } from './state.ts'
import { calm, needsCalm, second, tick } from './time.ts'

/** What happened, in words that a person can follow, and the state after it. */
export type Step = readonly [label: string, state: State]
type Steps = (state: State, rules: Rules) => Step[]

const name = (index: number): string => 'PQ'.charAt(index)
const server = (index: number): string => 'AB'.charAt(index)

/** Everything that can happen in that state. */
export function next (state: State, rules: Rules): Step[] {
  const kinds = [ofReplicas, ofTime, ofServers, ofFaults]
  const settle = (after: State): State => normalise(logStages(after, rules), rules)
  return kinds.flatMap((of) => of(state, rules)).map(([label, after]) => [label, settle(after)])
}

/** What is wrong in that state. */
export function wrong (state: State, rules: Rules): string | undefined {
  return violation(state, (index) => usable(at(state, index), rules), (index) => accepted(at(state, index), rules))
}

const ofReplicas: Steps = (state, rules) => REPLICAS.flatMap((index) => {
  const { isUp } = at(state, index)
  if (!isUp) return ofStart(state, rules, index)
  return [...ofConnection(state, rules, index), ...ofCache(state, rules, index), ...ofRevocation(state, rules, index)]
})

function ofStart (state: State, rules: Rules, index: number): Step[] {
  const secrets = rules.world.rotates ? [1, 2] : [1]
  return secrets.map((secret) => [
    `${name(index)} starts${rules.world.rotates ? ` with secret ${secret}` : ''}`, start(state, rules, index, secret)
  ])
}

/** From a master that stands to a deposed one a connection goes only if it is cut. */
function ofConnection (state: State, rules: Rules, index: number): Step[] {
  const { connection } = at(state, index)
  const steps: Step[] = SERVERS.filter((to) => to !== connection && reaches(state, rules, index, to))
    .filter((to) => to === state.master || connection === -1 || mayHappen(state, 'cut'))
    .map((to) => {
      const isCut = to !== state.master && connection !== -1
      return [
        `${name(index)} connects to ${server(to)}`,
        withReplica(isCut ? spend(state, 'cut') : state, index, { connection: to })
      ]
    })
  if (connection !== -1 && reaches(state, rules, index, connection)) {
    steps.push([`${name(index)} polls ${server(connection)}`, poll(state, rules, index, connection)])
  }
  return steps
}

function ofCache (state: State, rules: Rules, index: number): Step[] {
  const replica = at(state, index)
  const steps: Step[] = []
  const reached = SERVERS.filter((to) => reaches(state, rules, index, to))
  if (replica.flight !== undefined && mayAnswer(state, rules, replica)) {
    steps.push([`${name(index)} gets Authgear's answer`, land(state, rules, index)])
  }
  if (replica.memory?.isToBeShared === true) {
    for (const to of reached) steps.push([`${name(index)} shares its entry on ${server(to)}`, share(state, index, to)])
  }
  if (!isReady(replica, rules) || !isMiss(replica, rules)) return steps
  const asked = question(state, rules, index)
  if (asked !== undefined && replica.flight === undefined) {
    steps.push(
      rules.world.hasFlights
        ? [`${name(index)} asks Authgear`, withReplica(state, index, { flight: asked, isOvertaken: false })]
        : [`${name(index)} resolves`, remember(state, rules, index, asked)]
    )
  }
  for (const from of reached) {
    const after = readShared(state, rules, index, from)
    if (after !== state) steps.push([`${name(index)} finds an entry on ${server(from)}`, after])
  }
  return steps
}

function ofRevocation (state: State, rules: Rules, index: number): Step[] {
  const replica = at(state, index)
  const steps: Step[] = []
  const of = state.stages.indexOf('none')
  if (of !== -1 && rules.world.overtakes === 'nothing') steps.push([`${name(index)} takes revocation ${of + 1}`, take(state, index, of)])
  const { connection } = replica
  if (connection === -1 || !mayAppend(state, replica, connection)) return steps
  for (const item of dueItems(replica, rules)) {
    const what = `revocation ${item.of + 1}${item.all ? ' as everything' : ''}${item.isOwn ? '' : ' again'}`
    steps.push([`${name(index)} appends ${what}`, append(state, index, connection, item)])
  }
  return steps
}

function ofTime (state: State, rules: Rules): Step[] {
  const steps: Step[] = [['3 s and CACHE_DEGRADED_TTL pass', tick(state, rules)]]
  if (needsCalm(state)) steps.push(['ten quiet minutes pass', calm(state, rules)])
  const countsBySecond = rules.world.overtakes === 'junk' && !obeys(rules, 'a rate of junk is counted for ten seconds')
  if (countsBySecond) steps.push(['a second passes', second(state)])
  return steps
}

const ofServers: Steps = (state, { world }) => {
  const steps: Step[] = []
  const { master } = state
  const rest = other(master)
  if (!world.hasRedisReplica) return steps
  for (const one of SERVERS) {
    if (state.servers[one].attendance === 'silent') {
      steps.push([`${server(one)} no longer lists its replica`, giveUpOnReplica(state, one)])
    }
  }
  if (state.servers[rest].role !== 'replica') {
    if (!world.isLossFinal) steps.push([`${server(rest)} becomes a replica of ${server(master)}`, rejoin(state)])
  } else if (state.servers[rest].log !== state.servers[master].log ||
    state.servers[rest].cached !== state.servers[master].cached ||
    state.servers[rest].isOfHistory !== state.servers[master].isOfHistory) {
    steps.push([`${server(rest)} replicates`, copyTo(state, rest)])
  }
  return steps
}

const ofFaults: Steps = (state, rules) => {
  const { master } = state
  const steps: Step[] = []
  const add = (fault: Fault, label: string, happen: (state: State) => State): void => {
    if (mayHappen(state, fault)) steps.push([label, happen(spend(state, fault))])
  }
  for (const index of REPLICAS) {
    if (at(state, index).isUp) add('crash', `${name(index)} crashes`, (some) => crash(some, rules, index))
  }
  add('flush', `${server(master)} is flushed`, flush)
  add('save', `${server(master)} saves a snapshot`, (some) => copyTo(some, other(master)))
  if (state.servers[other(master)].log !== undefined) {
    add('restore', `${server(master)} starts from its snapshot`, restore)
  }
  if (state.servers[other(master)].role === 'replica') {
    add('failover', `${server(master)} dies, ${server(other(master))} is promoted`, failOver)
    for (const alone of [0, 1, 2, 3]) {
      const who = REPLICAS.filter((index) => (alone >> index & 1) === 1).map(name).join(' and ') || 'nobody'
      add('partition', `${server(master)} is cut off with ${who}, ${server(other(master))} is promoted`, (some) =>
        part(some, alone, rules))
    }
    add('loseReplica', `${server(other(master))}, a replica, is lost`, loseReplica)
  }
  for (const [position, { of, isRewritten }] of (state.servers[master].log ?? []).entries()) {
    if (of === -1 || isRewritten) continue
    add('rewrite', `a writer to ${server(master)} rewrites revocation ${of + 1}`, (some) => rewrite(some, position))
  }
  return [...steps, ...ofFlood(state, rules)]
}

const MAX_FLOOD = 4

const junkIsOver = (state: State, { world }: Rules): boolean =>
  (state.servers[state.master].log ?? []).filter(({ of }) => of >= world.revocations.length).length >= MAX_FLOOD

/** Where something overtakes it, Authgear's answer never comes before that. */
function mayAnswer (state: State, rules: Rules, { isOvertaken }: Replica): boolean {
  switch (rules.world.overtakes) {
    case 'nothing': return true
    case 'junk': return isOvertaken || junkIsOver(state, rules)
    case 'generations': return isOvertaken || !mayHappen(state, 'flush')
  }
}

/** Entries of a CACHE_SECRET that nobody here has. */
function ofFlood (state: State, rules: Rules): Step[] {
  const { log } = state.servers[state.master]
  if (rules.world.overtakes !== 'junk' || log === undefined || junkIsOver(state, rules)) return []
  const token = state.tokens + 1
  const junk = { token, of: rules.world.revocations.length, all: false, secret: 0, isRewritten: false, missedBy: 0 }
  return [['junk is appended', withServer({ ...state, tokens: token }, state.master, { log: [...log, junk] })]]
}
