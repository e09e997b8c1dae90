import { append, call, endSkipping, follows, poll, write } from './acts.ts'
import { connect, disconnect, look, stopped, take } from './app.ts'
import type { Rules } from './rules.ts'
import {
  bit, FRESH, has, type Left, type Link, type Log, newLog, NO_APP, type Replica, replicaAt, type State, withReplica
} from './state.ts'

type Step = readonly [label: string, after: State]

/** All is well, and an app is about to come. */
export function initial (rules: Rules): State {
  const { world } = rules
  const log = newLog(1, 'a')
  const first: State = {
    master: log,
    deposed: undefined,
    copy: log,
    tokens: 1,
    replicas: Array.from({ length: world.replicas }, () => FRESH),
    app: NO_APP,
    acknowledged: 0,
    writtenIn: Array.from({ length: world.left.revocations + world.left.junk }, () => 0),
    left: world.left
  }
  const polls = first.replicas.flatMap((_, index) => [index, index]) // it adopts the log, and reads it
  return polls.reduce((state, index) => poll(state, index, rules), first)
}

/** Everything that may happen next; what changes nothing is left out by the search. */
export function next (state: State, rules: Rules): readonly Step[] {
  const ofReplicas = state.replicas.flatMap(({ isRunning }, index) => isRunning
    ? [...ofItself(state, index, rules), ...taking(state, index, rules), ...faults(state, index, rules)]
    : starts(state, index))
  return [...ofReplicas, ...ofApp(state, rules), ...ofRedis(state)]
}

/** A step of which only so many may happen. */
function spent (state: State, what: keyof Left, act: (left: State) => Step): readonly Step[] {
  const count = state.left[what]
  return count === 0 ? [] : [act({ ...state, left: { ...state.left, [what]: count - 1 } })]
}

const nameOf = (index: number): string => 'PQR'.charAt(index)

function ofItself (state: State, index: number, rules: Rules): readonly Step[] {
  const replica = replicaAt(state, index)
  const who = nameOf(index)
  const steps: Step[] = []
  if (state.app.at === index) steps.push([`${who} looks whether it follows`, look(state, index, rules)])
  if (replica.hasTurn) steps.push([`${who} gives its readers their turn`, call(state, index, { do: 'turn' }, rules)])
  if (replica.link !== 'none') steps.push([`${who} reads the log`, poll(state, index, rules)])
  if (replica.isSkipping) steps.push([`${who} skips nothing any more`, endSkipping(state, index, rules)])
  if (replica.isFollowing && (replica.link !== 'master' || replica.isSkipping)) {
    const apart = replica.link === 'deposed' ? withReplica(state, index, { link: 'none' }) : state
    steps.push([`${who} knows that it does not follow`, follows(apart, index, false, rules)])
  }
  return steps
}

/** It takes a revocation and appends it, now or when it can, and reads it back with a poll. */
function taking (state: State, index: number, rules: Rules): readonly Step[] {
  const { pending } = replicaAt(state, index)
  const who = nameOf(index)
  const { revocations } = rules.world.left
  const next = revocations - state.left.revocations
  const takes = spent(state, 'revocations', (left) => {
    const after = append(left, index, next)
    if (after !== undefined) return [`${who} appends revocation ${next}`, after]
    const alone = withReplica(left, index, { pending: pending | bit(next) })
    return [`${who} tells revocation ${next} by itself`, call(alone, index, { do: 'pending', of: next }, rules)]
  })
  const waiting = Array.from({ length: next }, (_, of) => of).filter((of) => has(pending, of))
  return [...takes, ...waiting.flatMap((of): readonly Step[] => {
    const after = append(state, index, of)
    return after === undefined ? [] : [[`${who} appends revocation ${of}`, after]]
  })]
}

function faults (state: State, index: number, rules: Rules): readonly Step[] {
  const { link } = replicaAt(state, index)
  const who = nameOf(index)
  return [
    ...link === 'master'
      ? spent(state, 'cuts', (left) => [`${who} is cut off`, withReplica(left, index, { link: 'none' })])
      : [[`${who} reaches the master`, withReplica(state, index, { link: 'master' })] as const],
    ...spent(state, 'ends', (left) => [`${who} stops`, ended(call(left, index, { do: 'stops' }, rules), index)]),
    ...spent(state, 'ends', (left) => [`${who} is killed`, ended(left, index)])
  ]
}

/** What was on its way to the app may still come. */
function ended (state: State, index: number): State {
  const { app } = state
  const after = stopped(state, index, { ...FRESH, secret: replicaAt(state, index).secret })
  return app.at === index ? { ...after, app: { ...app, isEnded: true } } : after
}

function starts (state: State, index: number): readonly Step[] {
  const { secret } = replicaAt(state, index)
  if (state.app.at === index) return [] // its app is gone first
  const start = (left: State, own: 'a' | 'b'): Step =>
    [`${nameOf(index)} starts with secret ${own}`, withReplica(left, index, { ...FRESH, secret: own })]
  return secret === 'b'
    ? [start(state, 'b')]
    : [start(state, 'a'), ...spent(state, 'rotations', (left) => start(left, 'b'))]
}

function ofApp (state: State, rules: Rules): readonly Step[] {
  const { app } = state
  const { at } = app
  if (at === undefined) {
    return state.replicas.flatMap(({ isRunning }, index): readonly Step[] => isRunning
      ? [[`the app comes to ${nameOf(index)} with ${app.lastId ?? 'nothing'}`, connect(state, index, rules)]]
      : [])
  }
  const steps: Step[] = []
  if (app.isStalled) steps.push(['the app reads again', drained(state, at, rules)])
  else if (app.frames.length > 0) steps.push([`the app takes ${app.frames[0]?.event}`, take(state)])
  else if (app.isEnded) steps.push(['the app sees the end', disconnect(state, rules)])
  if (!app.isEnded) steps.push(...whileConnected(state, at, rules))
  return steps
}

function whileConnected (state: State, at: number, rules: Rules): readonly Step[] {
  const stall = (left: State): Step => ['the app reads nothing', call(
    { ...left, app: { ...left.app, isStalled: true } }, at, { do: 'stalls' }, rules
  )]
  return [
    ...spent(state, 'breaks', (left) => ['the stream breaks', disconnect(left, rules)]),
    ...state.app.isStalled ? [] : spent(state, 'stalls', stall)
  ]
}

function drained (state: State, at: number, rules: Rules): State {
  const { app } = state
  const after = { ...state, app: { ...app, isStalled: false } }
  return app.isEnded ? after : call(after, at, { do: 'drains' }, rules)
}

function ofRedis (state: State): readonly Step[] {
  const { master, copy, replicas } = state
  const of = state.writtenIn.length - state.left.junk
  return [
    ...spent(state, 'flushes', (left) => ['Redis loses everything', { ...left, master: undefined }]),
    ...spent(state, 'trims', (left) => ['the log is trimmed', { ...left, master: trimmed(master) }]),
    ...spent(state, 'junk', (left) => ['somebody writes junk', write(left, 'master', of, 'x')]),
    ...state.left.failovers > 0 && master !== copy ? [['the copy follows', { ...state, copy: master }] as const] : [],
    ...ways(replicas.length).flatMap((links) => spent(state, 'failovers', (left) => [
      `the copy takes over: ${links.join(', ')}`, { ...failedOver(left), replicas: linkedBy(replicas, links) }
    ]))
  ]
}

const linkedBy = (replicas: readonly Replica[], links: readonly Link[]): readonly Replica[] =>
  replicas.map((one, n) => one.link === 'none' ? one : { ...one, link: links[n] ?? 'none' })

/** Its server is another one, on which time has gone on as well. */
function failedOver ({ copy, master, ...rest }: State): State {
  const clock = Math.max(copy?.clock ?? 0, master?.clock ?? 0)
  return { ...rest, copy, deposed: master, master: copy && { ...copy, clock, isOfHistory: false } }
}

function trimmed (log: Log | undefined): Log | undefined {
  const [oldest, first] = log?.entries ?? []
  if (log === undefined || oldest === undefined || first === undefined) return log
  return {
    ...log, entries: log.entries.slice(1), since: oldest.id + 1, first: first.id, trimmed: log.trimmed | bit(oldest.of)
  }
}

const ways = (count: number): readonly (readonly Link[])[] => count === 0
  ? [[]]
  : ways(count - 1).flatMap((others) => (['master', 'deposed'] as const).map((link) => [...others, link]))
