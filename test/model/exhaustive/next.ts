import { has, isVoid, poll, trusts } from './follower.ts'
import type { Fault, Rules } from './rules.ts'
import { born, type Entry, type Replica, type Server, type State } from './state.ts'

type Step = readonly [label: string, after: State]
const NAMES = ['P', 'Q']
const ONE_SIDED = ['takes a revocation', 'asks']
/** Questions to Authgear in one world. */
const MAX_ASKED = 1

/** Every step that may come next; none after something went wrong. */
export function next (state: State, rules: Rules): Step[] {
  if (state.wrong !== undefined) return []
  const steps: Step[] = []
  const text = JSON.stringify(state)
  const may = (label: string, change: (state: State, replica: Replica) => void, index = 0): void => {
    const after = JSON.parse(text) as State
    const replica = after.replicas[index]
    if (replica === undefined) return
    change(after, replica)
    steps.push([label, after])
  }
  state.replicas.forEach((replica, index) => {
    const name = NAMES[index] ?? ''
    if (!replica.isUp) return may(`${name} starts`, (after) => { after.replicas[index] = born(rules.world.revocations) }, index)
    for (const [what, isPossible, change] of ACTIONS) {
      if (rules.world.isOneSided && index > 0 && ONE_SIDED.includes(what)) continue
      if (isPossible(state, replica, rules)) may(`${name} ${what}`, (after, one) => change(after, one, rules), index)
    }
  })
  for (const fault of rules.world.faults) {
    if (state.faults >= rules.world.maxFaults) continue
    may(fault, (after) => { after.faults++; befall(after, fault, rules) })
  }
  return steps
}

type Action = readonly [
  what: string,
  isPossible: (state: State, replica: Replica, rules: Rules) => boolean,
  change: (state: State, replica: Replica, rules: Rules) => void
]

const isHere = ({ server }: State, { history, log }: Replica): boolean =>
  history === server.history && log === server.log && log !== 0

const ACTIONS: readonly Action[] = [
  ['polls', (state, replica) => !replica.hasPolled || !isHere(state, replica), poll],
  [
    'takes a revocation',
    ({ taken }, _, { world }) => taken < world.revocations,
    (state, replica) => { replica.own[state.taken++] = ++replica.local }
  ],
  [
    'writes what it took',
    (state, replica) => isHere(state, replica) && unwritten(state, replica) >= 0,
    (state, replica) => append(state, unwritten(state, replica))
  ],
  [
    'writes what the log lacks',
    (state, replica) => isHere(state, replica) && replica.lacking.some((which) => isMissing(state, which)),
    (state, replica) => append(state, replica.lacking.find((which) => isMissing(state, which)) ?? 0)
  ],
  ['asks', ({ asked }, { flight }) => flight === undefined && asked < MAX_ASKED, (state, replica) => {
    state.asked++
    replica.flight = { log: replica.log, at: replica.at, local: replica.local, age: state.taken }
  }],
  ['is answered', (_, { flight }) => flight !== undefined, answer],
  [
    'answers from memory',
    (_, replica, rules) => replica.memory !== undefined && !isVoid(replica, replica.memory, rules),
    (state, replica) => judge(state, replica, replica.memory)
  ],
  [
    'answers from Redis',
    (state, replica, rules) => isHere(state, replica) && state.server.shared !== undefined &&
      trusts(replica, state.server.shared, rules),
    (state, replica) => {
      const { shared } = state.server
      judge(state, replica, shared)
      replica.memory = shared && { ...shared, local: replica.local }
    }
  ]
]

const unwritten = (state: State, { own }: Replica): number =>
  own.findIndex((number, which) => number > 0 && isMissing(state, which))
const isMissing = ({ server }: State, which: number): boolean => !server.stream.includes(which)

function append ({ server, replicas }: State, which: number): void {
  server.stream.push(which)
  server.count++
  for (const one of replicas) one.hasPolled = false
}

function answer (state: State, replica: Replica, rules: Rules): void {
  const { flight } = replica
  replica.flight = undefined
  if (flight === undefined) return
  const isLate = !has(rules, 'the time is noted before the question')
  const entry = isLate ? { ...flight, log: replica.log, at: replica.at, local: replica.local } : flight
  if (isVoid(replica, entry, rules)) return
  judge(state, replica, entry)
  replica.memory = entry
  if (isHere(state, replica) && replica.lacking.length === 0) state.server.shared = entry
}

/** An answer that is older than a revocation. */
function judge (state: State, replica: Replica, entry: Entry | undefined): void {
  const alive = state.replicas.filter(({ isUp }) => isUp)
  const isSettled = alive.every((one) =>
    isHere(state, one) && one.hasPolled && one.lacking.length === 0)
  for (let which = entry?.age ?? 0; which < state.taken; which++) {
    const isKnown = (one: Replica): boolean => one.known[which] !== 0 || one.own[which] !== 0
    if (isKnown(replica)) state.wrong ??= 'answers what is older than a revocation that it knows'
    const isHeld = state.faults === 0 || state.server.history > 1 || alive.some(isKnown)
    if (state.acknowledged.includes(which) && isSettled && isHeld) {
      state.wrong ??= 'answers what is older than an acknowledged revocation'
    }
  }
}

function befall (state: State, fault: Fault, { world }: Rules): void {
  const { server } = state
  for (const one of state.replicas) one.hasPolled = false
  switch (fault) {
    case 'flush': Object.assign(server, { log: 0, count: 0, begun: 0, stream: [], shared: undefined }); return
    case 'evict': server.stream = []; return
    case 'failover': { // a copy has what is acknowledged
      const last = server.stream.at(-1)
      if (last !== undefined && !state.acknowledged.includes(last)) { server.stream.pop(); server.count-- }
      server.history++
      return
    }
    case 'crash': {
      const first = state.replicas.find(({ isUp }) => isUp)
      if (first !== undefined) first.isUp = false
      return
    }
    case 'reboot':
      state.replicas = state.replicas.map(() => born(world.revocations))
      return goBack(server)
    case 'restore': return goBack(server)
  }
}

/** Started again from a snapshot that was made before the last write. */
function goBack (server: Server): void {
  if (server.stream.pop() !== undefined) server.count--
  server.history++
}
