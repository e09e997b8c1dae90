import { FAULTS, type World } from './rules.ts'
import { bit, type Mastery, type Replica, type Server, type State, type Suspension } from './state.ts'

const NO_MASTER: Mastery = { server: -1, attended: 0, isDeposed: false, isProven: false, wasHeard: false }
const AT_REST: Suspension = { changes: 0, isActive: false, hasJustAdopted: false, seen: 0, isSeenNew: false }
export const FIRST_GENERATION = 1

/** A process that is not there. */
export function absent ({ revocations, hasTokens }: World): Replica {
  return {
    isUp: false,
    secret: 1,
    connection: -1,
    generation: 0,
    began: 0,
    left: [],
    read: [],
    isCaughtUp: false,
    revokedAt: revocations.map(() => 0),
    voidBefore: 0,
    skippedTo: 0,
    skipped: 0,
    skipping: 'no',
    junk: 0,
    kept: revocations.map(() => 'no'),
    republish: revocations.map(() => undefined),
    own: revocations.map(() => 'no'),
    isFresh: false,
    mastery: NO_MASTER,
    suspension: AT_REST,
    memory: undefined,
    flight: undefined,
    overtaken: 0,
    isOvertaken: false,
    hasFollowed: false,
    knows: 0,
    ended: 0,
    isWhole: false,
    hasGap: hasTokens
  }
}

function following (world: World): Replica {
  return {
    ...absent(world),
    isUp: true,
    connection: 0,
    generation: FIRST_GENERATION,
    read: [FIRST_GENERATION],
    isCaughtUp: true,
    isFresh: true,
    hasFollowed: true,
    isWhole: world.hasTokens,
    hasGap: false,
    mastery: {
      server: 0,
      attended: world.hasRedisReplica ? bit(0) : 0,
      isDeposed: false,
      isProven: world.hasRedisReplica,
      wasHeard: true
    },
    suspension: world.maxChanges === 0 ? AT_REST : { ...AT_REST, seen: FIRST_GENERATION }
  }
}

/** All is well: a master with its log, its replica in step, and our replicas that follow it. */
export function initial (world: World): State {
  const log = [{ token: FIRST_GENERATION, of: -1, all: false, secret: 1, isRewritten: false, missedBy: 0 }]
  const first: Server = {
    role: 'master', log, cached: undefined, isOfHistory: true, attendance: world.hasRedisReplica ? 'live' : 'none'
  }
  const second: Server = world.hasRedisReplica
    ? { ...first, role: 'replica', attendance: 'none' }
    : { role: 'down', log: undefined, cached: undefined, isOfHistory: false, attendance: 'none' }
  const replica = (index: number): Replica => index < world.running ? following(world) : absent(world)
  return {
    servers: [first, second],
    master: 0,
    isParted: false,
    partedReplicas: 0,
    isDeposedLong: false,
    replicas: [replica(0), replica(1)],
    stages: world.revocations.map(() => 'none'),
    budget: FAULTS.map((fault) => world.faults[fault] ?? 0),
    faults: world.maxFaults,
    broken: undefined,
    tokens: FIRST_GENERATION
  }
}
