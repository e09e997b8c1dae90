import { setTimeout as sleep } from 'node:timers/promises'
import type { TokenFailure } from '../../../deploy/demo/authgear-simulator/types.d.mts'
import { PATIENCE_MS } from '../../../src/parts/login/oidc/token-calls.ts'
import { now } from '../history.ts'
import { oneOf, seeded, type Pick } from '../random.ts'
import { publish, revoke } from '../revocations.ts'
import { SETTINGS } from '../situations.ts'
import type { World } from '../world.ts'
import { check, signIn, signOut, type OwnPerson } from './people.ts'
import type { OwnSide } from './side.ts'

/** Milliseconds between two of a kind, on average. */
const PACE = { client: 50, end: 1500, tokens: 800 } as const
/** One client asks for so many. */
const PEOPLE_OF_A_CLIENT = 40
const FEWEST_CLIENTS = 4
/** At a time, while people sign in, or all ask. */
const AT_ONCE = 16
/** Milliseconds between two looks at somebody whose session is over, and for how long. */
const WATCH_MS = { every: 150, inAll: 6000 } as const
/**
 * Before each of the last three times that all are asked: the breaker's pause, and a session's. With rotation a refresh
 * that hangs is given up before the last one.
 */
const RECOVERS_MS = 2000
const FAULTS: readonly TokenFailure[] = ['error', 'rate-limited', 'redirect', 'reset', 'lost', 'hang']
const MOST_FAULTS = 30

const REPLICAS = Array.from({ length: SETTINGS.replicas }, (_, index) => index)
const crowds = new WeakMap<World, OwnPerson[]>()

/** People with sessions of ours until the end; then all is well, and each is asked about at each replica. */
export async function workOwn (world: World, own: OwnSide, seed: number, isOver: () => boolean): Promise<void> {
  const people = crowdOf(world)
  const { controls } = own.simulator
  world.authgearMs = own.authgearMs ?? world.authgearMs
  controls.latency = world.authgearMs
  controls.tokens.slow(world.authgearMs)
  await fillOwn(world, own) // in the place of those who ended in the round before, while all is well
  const clients = Math.max(FEWEST_CLIENTS, Math.round(own.people / PEOPLE_OF_A_CLIENT))
  await Promise.all([
    ...Array.from({ length: clients }, (_, n) => client(world, own, people, seeded(seed + n), isOver)),
    endSessions(world, own, people, seeded(seed + 1000), isOver),
    breakTokens(world, own, seeded(seed + 2000), isOver)
  ])
  for (const isCalm of [false, false, true]) {
    await sleep(isCalm && own.rotates ? PATIENCE_MS : RECOVERS_MS)
    await askAll(world, own, people, isCalm)
  }
  people.splice(0, people.length, ...people.filter(({ hasEnded }) => !hasEnded))
}

/** At all replicas once all should be well; before that each at one, for breakers close by somebody who asks. */
async function askAll (world: World, own: OwnSide, people: readonly OwnPerson[], isCalm: boolean): Promise<void> {
  const asked = people.flatMap((person, n) =>
    (isCalm ? REPLICAS : [n % SETTINGS.replicas]).map((replica) => ({ person, replica })))
  await each(asked, async ({ person, replica }) => {
    const status = await check(world, own, person, replica, isCalm)
    // Redis lost the record, or Authgear ended the grant: whether it may, the oracle knows
    if (isCalm && status === 401) person.hasEnded = true
  })
}

function crowdOf (world: World): OwnPerson[] {
  const people = crowds.get(world) ?? []
  crowds.set(world, people)
  return people
}

async function each<T> (all: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let one = all[next++]; one !== undefined; one = all[next++]) await act(one)
  }))
}

/** As many people as there are to be, signed in at all replicas. */
export async function fillOwn (world: World, own: OwnSide): Promise<void> {
  const people = crowdOf(world)
  const missing = Array.from({ length: Math.max(0, own.people - people.length) }, (_, n) => n)
  await each(missing, async (n) => {
    const replica = world.replicas[n % SETTINGS.replicas]
    if (replica === undefined || !world.isWell) return
    const person = await signIn(world, own, replica).catch(() => undefined) // a fault that has begun meanwhile
    if (person !== undefined) people.push(person)
  })
}

/** Asks about anybody at any replica. */
async function client (
  world: World,
  own: OwnSide,
  people: readonly OwnPerson[],
  pick: Pick,
  isOver: () => boolean
): Promise<void> {
  while (!isOver()) {
    const person = people[pick(Math.max(1, people.length))]
    if (person !== undefined) await check(world, own, person, pick(SETTINGS.replicas), false)
    await sleep(PACE.client / 2 + pick(PACE.client))
  }
}

/** Somebody is disabled at Authgear, or signs out; and is asked about everywhere from then on. */
async function endSessions (
  world: World,
  own: OwnSide,
  people: readonly OwnPerson[],
  pick: Pick,
  isOver: () => boolean
): Promise<void> {
  const watching: Promise<void>[] = []
  while (!isOver()) {
    await sleep(PACE.end / 2 + pick(PACE.end))
    const living = people.filter(({ hasEnded, isBusy }) => !hasEnded && !isBusy)
    const person = living[pick(Math.max(1, living.length))]
    if (person === undefined || isOver()) continue
    person.isBusy = true
    await Promise.all(REPLICAS.map((replica) => check(world, own, person, replica, false)))
    watching.push(end(world, own, person, pick, isOver))
  }
  await Promise.all(watching)
}

async function end (
  world: World,
  own: OwnSide,
  person: OwnPerson,
  pick: Pick,
  isOver: () => boolean
): Promise<void> {
  const first = pick(SETTINGS.replicas)
  const byAuthgear = pick(2) === 0
  if (byAuthgear || await signOut(world, own, person, { index: first, goesOn: pick(2) === 0 })) {
    // where Redis is away a sign-out holds on that replica: a webhook tells the others
    const told = byAuthgear
      ? revoke(world, person, pick)
      : publish(world, person, { first, channel: 'webhook', of: 'end' })
    await Promise.all([told, watch(world, own, person, isOver)])
  }
  person.isBusy = false
}

async function watch (world: World, own: OwnSide, person: OwnPerson, isOver: () => boolean): Promise<void> {
  for (const began = now(); person.hasEnded && !isOver() && now() - began < WATCH_MS.inAll;) {
    await Promise.all(REPLICAS.map((replica) => check(world, own, person, replica, false)))
    await sleep(WATCH_MS.every)
  }
}

/** While a fault holds, the token endpoint has its own. */
async function breakTokens (world: World, own: OwnSide, pick: Pick, isOver: () => boolean): Promise<void> {
  const { tokens } = own.simulator.controls
  while (!isOver()) {
    await sleep(PACE.tokens / 2 + pick(PACE.tokens))
    tokens.recover()
    if (!world.isWell && !isOver()) tokens.fail(oneOf(pick, FAULTS), 1 + pick(MOST_FAULTS))
  }
  tokens.recover()
}
