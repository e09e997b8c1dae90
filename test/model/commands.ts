import fc from 'fast-check'
import { PEOPLE, TARGETS } from './people.ts'
import { CHANNELS, type Channel, type Hold, type Replica } from './replica.ts'
import type { World } from './world.ts'

/** What one may do to a replica that runs, and what happens to all of them. */
export type Command =
  | Readonly<{ kind: 'request', replica: number, person: number, confirmWithin: number | undefined }>
  | Readonly<{ kind: 'revoke', replica: number, target: number, quietMs: number, disables: boolean, ends: boolean }>
  | Readonly<{ kind: 'issue', person: number }>
  | Readonly<{ kind: 'use', replica: number, which: number }>
  | Readonly<{ kind: 'poll' | 'connect' | 'notice' | 'crash' | 'start' | 'freeze' | 'thaw', replica: number }>
  | Readonly<{ kind: 'cut', replica: number, channel: Channel }>
  | Readonly<{ kind: 'hold', replica: number, channel: Channel, how: Hold }>
  | Readonly<{ kind: 'release', replica: number, channel: Channel, all: boolean }>
  | Readonly<{ kind: 'sleep' | 'setWall', replica: number, ms: number }>
  | Readonly<{ kind: 'answer', which: number, early: boolean }>
  | Readonly<{ kind: 'enable', person: number }>
  | Readonly<{ kind: 'pass', ms: number }>
  | Readonly<{ kind: 'outage' | 'full', begins: boolean }>
  | Readonly<{ kind: 'round' | 'flush' | 'deliver' }>
  | Readonly<{ kind: 'failover', lost: number, skew: number, demoted: boolean, stay: number, silent?: boolean }>
  | Readonly<{ kind: 'reboot', lost: number }>
  | Readonly<{ kind: 'junk', count: number }>
  | Readonly<{ kind: 'sentinels', begins: boolean }>
  | Readonly<{ kind: 'loseReplica', how: 'live' | 'silent' | 'none' }>
  | Readonly<{ kind: 'revive', server: number, stay: number }>
  | Readonly<{ kind: 'clockBack', ms: number }>
  | Readonly<{ kind: 'evict', key: 'stream' | 'head' }>

const replica = fc.nat({ max: 2 })
const channel = fc.constantFrom(...CHANNELS)
/** One bit a connection: whether it stays with the deposed master. */
const stay = fc.nat({ max: 511 })
const one = <K extends string>(kind: K): fc.Arbitrary<K> => fc.constant(kind)

const COMMANDS: ReadonlyArray<readonly [weight: number, command: fc.Arbitrary<Command>]> = [
  [
    22,
    fc.record({
      kind: one('request'),
      replica,
      person: fc.nat({ max: PEOPLE.length - 1 }),
      confirmWithin: fc.oneof(
        { weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(0, 2000) }
      )
    })
  ],
  [17, fc.record({ kind: one('answer'), which: fc.nat({ max: 5 }), early: fc.boolean() })],
  [
    9,
    fc.record({
      kind: one('revoke'),
      replica,
      target: fc.nat({ max: TARGETS.length - 1 }),
      quietMs: fc.constantFrom(0, 0, 0, 200, 2000),
      disables: fc.nat({ max: 3 }).map((n) => n === 0),
      ends: fc.boolean()
    })
  ],
  [5, fc.record({ kind: one('issue'), person: fc.nat({ max: PEOPLE.length - 1 }) })],
  [14, fc.record({ kind: one('use'), replica, which: fc.nat({ max: 9 }) })],
  [10, fc.record({ kind: one('poll'), replica })],
  [9, fc.record({ kind: one('round') })],
  [8, fc.record({ kind: one('pass'), ms: fc.constantFrom(1, 40, 120, 300, 300, 900, 900, 2100, 2900, 4000, 20_000) })],
  [3, fc.record({ kind: one('cut'), replica, channel })],
  [5, fc.record({ kind: one('connect'), replica })],
  [3, fc.record({ kind: one('notice'), replica })],
  [3, fc.record({ kind: one('hold'), replica, channel, how: fc.constantFrom('reply', 'request') })],
  [5, fc.record({ kind: one('release'), replica, channel, all: fc.boolean() })],
  [1, fc.record({ kind: one('deliver') })],
  [1, fc.record({ kind: one('crash'), replica })],
  [2, fc.record({ kind: one('start'), replica })],
  [1, fc.record({ kind: one('freeze'), replica })],
  [2, fc.record({ kind: one('thaw'), replica })],
  [1, fc.record({ kind: one('sleep'), replica, ms: fc.constantFrom(1000, 3500, 30_000) })],
  [1, fc.record({ kind: one('setWall'), replica, ms: fc.constantFrom(-3_600_000, -5000, 5000, 3_600_000) })],
  [1, fc.record({ kind: one('enable'), person: fc.nat({ max: PEOPLE.length - 1 }) })],
  [2, fc.record({ kind: one('outage'), begins: fc.boolean() })],
  [1, fc.record({ kind: one('full'), begins: fc.boolean() })],
  [1, fc.record({ kind: one('flush') })],
  [1, fc.record({ kind: one('reboot'), lost: fc.nat({ max: 6 }) })],
  [1, fc.record({ kind: one('sentinels'), begins: fc.boolean() })],
  [2, fc.record({ kind: one('junk'), count: fc.constantFrom(1, 3, 8) })],
  [1, fc.record({ kind: one('loseReplica'), how: fc.constantFrom('live', 'silent', 'none') })],
  [
    2,
    fc.record({
      kind: one('failover'),
      lost: fc.nat({ max: 5 }),
      skew: fc.constantFrom(0, -1, -5000, -30_000, 3_600_000),
      demoted: fc.boolean(),
      stay,
      silent: fc.boolean()
    })
  ],
  [1, fc.record({ kind: one('revive'), server: fc.nat({ max: 5 }), stay })],
  [1, fc.record({ kind: one('clockBack'), ms: fc.constantFrom(1, 500, 30_000, 3_600_000) })],
  [1, fc.record({ kind: one('evict'), key: fc.constantFrom('stream', 'head') })]
]

/**
 * Of the three, who stays with a deposed master and who does not: seldom enough by chance, and what positions and
 * carrying over are for.
 */
const parting: fc.Arbitrary<Command[]> = fc.record({
  left: replica,
  cacheStays: fc.boolean(),
  person: fc.nat({ max: 2 }),
  skew: fc.constantFrom(0, -5000, 3_600_000),
  lost: fc.nat({ max: 2 }),
  loss: fc.constantFrom('none', 'flush', 'evict'),
  before: fc.boolean(),
  notices: fc.boolean(),
  pollsAgain: fc.boolean()
}).map(({ left, cacheStays, person, skew, lost, loss, before, notices, pollsAgain }) => {
  const other = (left + 1) % 3
  const revoked = (replica: number, user: string): Command => ({
    kind: 'revoke',
    replica,
    target: TARGETS.findIndex((some) => some.kind === 'user' && some.userId === user),
    quietMs: 0,
    disables: false,
    ends: true
  })
  const lossOf: Record<typeof loss, Command[]> = {
    none: [], flush: [{ kind: 'flush' }], evict: [{ kind: 'evict', key: 'head' }]
  }
  return [
    { kind: 'failover', lost, skew, demoted: false, stay: (cacheStays ? 7 : 3) << (3 * left) },
    { kind: 'connect', replica: left },
    { kind: 'connect', replica: other },
    ...lossOf[loss],
    ...(before ? [revoked(other, 'bob')] : []),
    { kind: 'poll', replica: other },
    { kind: 'request', replica: other, person, confirmWithin: undefined },
    { kind: 'answer', which: -1, early: true },
    revoked(left, 'ann'),
    { kind: 'poll', replica: left },
    ...(notices ? [{ kind: 'notice', replica: left } as const, { kind: 'poll', replica: left } as const] : []),
    ...(pollsAgain ? [{ kind: 'pass', ms: 1 } as const, { kind: 'poll', replica: left } as const] : []),
    { kind: 'request', replica: left, person, confirmWithin: undefined }
  ]
})

/** A session that is renewed in use, or used past its life in an outage; and whatever of a revocation comes between. */
const aging: fc.Arbitrary<Command[]> = fc.record({
  replica,
  person: fc.nat({ max: PEOPLE.length - 1 }),
  age: fc.constantFrom(15_000, 25_000, 42_000, 48_000),
  isOut: fc.boolean(),
  target: fc.option(fc.nat({ max: TARGETS.length - 1 })),
  taker: replica,
  isRead: fc.boolean(),
  isLate: fc.boolean(),
  disables: fc.boolean()
}).map(({ replica, person, age, isOut, target, taker, isRead, isLate, disables }) => {
  const request: Command = { kind: 'request', replica, person, confirmWithin: undefined }
  const revocation: Command[] =
    target === null
      ? []
      : [
          { kind: 'revoke', replica: taker, target, quietMs: 0, disables, ends: false },
          ...(isRead ? [{ kind: 'round' } as const] : [])
        ]
  return [
    request,
    { kind: 'answer', which: -1, early: true },
    { kind: 'pass', ms: age },
    { kind: 'round' },
    ...(isLate ? [] : revocation),
    { kind: 'outage', begins: isOut },
    request,
    ...(isLate ? revocation : []),
    { kind: 'answer', which: -1, early: isLate },
    request,
    { kind: 'outage', begins: false }
  ]
})

const step = fc.oneof(
  ...COMMANDS.map(([weight, arbitrary]) => ({ weight, arbitrary: arbitrary.map((command) => [command]) })),
  { weight: 2, arbitrary: parting },
  { weight: 2, arbitrary: aging }
)

/** What befalls one run, and in it most things several times. */
export const commands: fc.Arbitrary<Command[]> = fc.array(step, { maxLength: 120, size: 'max' })
  .map((steps) => steps.flat())

export async function perform (world: World, command: Command): Promise<void> {
  world.count.commands++
  if ('replica' in command) onReplica(world, world.replicas[command.replica], command)
  else if (command.kind === 'round') {
    for (const some of world.replicas) {
      if (some.isCurrent) {
        some.poll().catch(() => {})
        await world.settle()
      }
    }
  }
  if (!('replica' in command)) onWorld(world, command)
  await world.settle()
}

type OnReplica = Extract<Command, { replica: number }>

function onReplica (world: World, replica: Replica | undefined, command: OnReplica): void {
  if (replica === undefined) return
  if (command.kind === 'start') { if (replica.dead) world.restart(command.replica); return }
  if (command.kind === 'thaw' && !replica.dead) { replica.frozen = false; replica.wake(); return }
  if (!replica.isCurrent) return
  switch (command.kind) {
    case 'request': return request(world, replica, command)
    case 'revoke': return revoke(world, replica, command)
    case 'use': return world.use(replica, -1 - command.which)
    case 'poll': replica.poll().catch(() => {}); return
    case 'connect': return replica.connect()
    case 'notice': return leave(world, replica)
    case 'crash': return world.crash(replica)
    case 'freeze': replica.frozen = true; return
    case 'cut': return replica.cut(command.channel)
    case 'hold': replica.hold[command.channel] = command.how; return
    case 'release': return replica.release(command.channel, command.all)
    case 'sleep': return sleep(world, replica, command.ms)
    case 'setWall': replica.wallOff += command.ms; replica.isBlurred = true
  }
}

function request (
  world: World,
  replica: Replica,
  { person, confirmWithin }: Extract<Command, { kind: 'request' }>
): void {
  const chosen = PEOPLE[person]
  if (chosen !== undefined) world.request(replica, chosen, confirmWithin)
}

function revoke (
  world: World,
  replica: Replica,
  { target, quietMs, disables, ends }: Extract<Command, { kind: 'revoke' }>
): void {
  const chosen = TARGETS[target]
  if (chosen === undefined) return
  if (disables && chosen.kind === 'user' && !world.disabled.has(chosen.userId)) {
    world.disabled.set(chosen.userId, world.tick())
  }
  world.revoke(replica, chosen, quietMs, ends)
}

/** The whole machine: its monotonic clock stands still. */
function sleep (world: World, replica: Replica, ms: number): void {
  replica.frozen = true
  world.advance(ms)
  replica.asleep += ms
  replica.frozen = false
}

function leave (world: World, replica: Replica): void {
  for (const channel of CHANNELS) if (replica.connections[channel] !== world.master) replica.cut(channel)
  replica.connect()
}

function onWorld (world: World, command: Exclude<Command, OnReplica>): void {
  switch (command.kind) {
    case 'answer':
      return world.answer(command.which, command.early)
    case 'issue':
      world.issue(PEOPLE[command.person]?.user ?? '')
      return
    case 'enable':
      world.disabled.delete(PEOPLE[command.person]?.user ?? '')
      return
    case 'pass':
      return world.advance(command.ms)
    case 'round':
      return
    case 'deliver':
      world.delayed.shift()?.()
      return
    case 'outage':
      world.isOut = command.begins
      return
    case 'full':
      world.master.isFull = command.begins
      return
    case 'reboot':
      return world.reboot(command.lost)
    case 'junk':
      for (let n = 0; n < command.count; n++) world.junk()
      return
    case 'sentinels':
      world.hasSentinels = command.begins
      return
    case 'loseReplica':
      world.master.replica = command.how
      return
    case 'flush':
      world.disturb()
      return world.master.flush()
    case 'evict':
      world.disturb()
      return world.master.evict(command.key)
    case 'clockBack':
      world.master.skew -= command.ms
      return
    case 'failover':
      return world.promote(world.master.promoted(world.servers.length, command.lost, world.master.skew + command.skew),
        command.demoted, command.stay, command.silent)
    case 'revive': {
      const server = world.servers[command.server % world.servers.length]
      if (server !== undefined && server !== world.master) world.promote(server, false, command.stay)
    }
  }
}
