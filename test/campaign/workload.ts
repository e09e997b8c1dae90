import { setTimeout as sleep } from 'node:timers/promises'
import { changeBlock } from './blocks.ts'
import { checkClient } from './clients.ts'
import { now } from './history.ts'
import { workOwn } from './own/work.ts'
import { signIn, WAYS, type Person } from './people.ts'
import { oneOf, seeded, type Pick } from './random.ts'
import { check } from './requests.ts'
import { changeRoles, purgeEverything, revoke, signOut } from './revocations.ts'
import { SETTINGS } from './situations.ts'
import type { World } from './world.ts'

/** Milliseconds between two of a kind, on average: load, but no measurement of it. */
const PACE = { client: 50, revocation: 700, signOut: 1700, roles: 1300, burst: 900, everything: 20_000 } as const
/** The same, of clients with tokens. */
const CLIENT_PACE = { block: 1500, token: 60 } as const
/** Between two looks at whether it is over. */
const LOOK_MS = 100
const CLIENTS = 3
const CROWD = 24
/** Who has ended is asked about for some time: somebody may still know them. */
const REMEMBERED_PEOPLE = 80
/** Milliseconds between two looks at a revoked person: until all replicas have refused them, and after that. */
const WATCH_MS = { often: 80, seldom: 700, inAll: 9000 } as const

const REPLICAS = Array.from({ length: SETTINGS.replicas }, (_, index) => index)

/** Sign-ins, checks, sign-outs, purges, webhooks and new roles until the end; all requests are answered then. */
export async function work (world: World, seed: number, isOver: () => boolean): Promise<void> {
  if (world.own !== undefined) return await workOwn(world, world.own, seed, isOver)
  for (let n = 0; n < CROWD / 2 || world.people.filter(({ hasEnded }) => !hasEnded).length < CROWD; n++) {
    newPerson(world, n % 3 === 0)
  }
  const tasks = new Set<Promise<unknown>>()
  const begin = (task: Promise<unknown>): void => {
    const noted = task.catch((error: unknown) => {
      world.note({ kind: 'unhealed', what: `the campaign itself: ${String(error)}`, at: now() })
    }).finally(() => tasks.delete(noted))
    tasks.add(noted)
  }
  const every = async (ms: number, salt: number, act: (pick: Pick) => Promise<unknown>): Promise<void> => {
    const pick = seeded(seed + salt)
    while (!isOver()) {
      const due = now() + ms / 2 + pick(ms)
      while (!isOver() && now() < due) await sleep(LOOK_MS)
      if (!isOver()) begin(act(pick))
    }
  }
  await Promise.all([
    ...Array.from({ length: CLIENTS }, (_, index) => client(world, seeded(seed + index), isOver)),
    every(PACE.revocation, 100, async (pick) => await revokeSomebody(world, pick, isOver)),
    every(PACE.signOut, 200, async (pick) => await signSomebodyOut(world, pick, isOver)),
    every(PACE.roles, 300, async (pick) => await changeSomebodysRoles(world, pick)),
    every(PACE.burst, 400, async () => await burst(world)),
    every(PACE.everything, 500, async (pick) => await purgeEverything(world, pick)),
    every(CLIENT_PACE.block, 600, async (pick) => await blockOrLift(world, pick, isOver)),
    agents(world, seeded(seed + 700), isOver)
  ])
  await Promise.all(tasks)
}

function newPerson (world: World, isAdmin: boolean): Person {
  return join(world, stranger(world, isAdmin))
}

/** Signed in, and asked about by nobody else until they join. */
function stranger ({ simulator, note }: World, isAdmin: boolean): Person {
  const person = signIn(simulator, isAdmin)
  note({ kind: 'signedIn', person: person.id, isAdmin, at: now() })
  return person
}

function join (world: World, person: Person): Person {
  world.people.push(person)
  if (world.people.length > REMEMBERED_PEOPLE) {
    const ended = world.people.findIndex(({ hasEnded }) => hasEnded)
    if (ended >= 0) world.people.splice(ended, 1)
  }
  return person
}

/** Asks as anybody, at any replica, in any way. */
async function client (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const person = pick(12) === 0 ? undefined : oneOf(pick, world.people)
    await check(world, pick(SETTINGS.replicas), person, pick(WAYS.length), pick(3) === 0 ? 'admin' : 'none')
    await sleep(PACE.client / 2 + pick(PACE.client))
  }
}

/** Any client's token, at any replica. */
async function agents (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await checkClient(world, pick(SETTINGS.replicas), oneOf(pick, world.clients))
    await sleep(CLIENT_PACE.token / 2 + pick(CLIENT_PACE.token))
  }
}

async function blockOrLift (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  const idle = world.clients.filter(({ mayBeBlocked, isBusy }) => mayBeBlocked && !isBusy)
  if (idle.length > 0) await changeBlock(world, oneOf(pick, idle), pick, isOver)
}

function choose ({ people }: World, pick: Pick): Person | undefined {
  const alive = people.filter(({ hasEnded, isBusy }) => !hasEnded && !isBusy)
  const chosen = alive[pick(Math.max(1, alive.length))]
  if (chosen !== undefined) chosen.isBusy = true
  return chosen
}

/** Remembered everywhere, then revoked, then watched. */
async function revokeSomebody (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  const person = choose(world, pick)
  if (person === undefined) return
  const way = pick(WAYS.length)
  await Promise.all(REPLICAS.map((replica) => check(world, replica, person, way)))
  newPerson(world, pick(3) === 0)
  await Promise.all([revoke(world, person, pick), watch(world, person, way, isOver)])
}

async function signSomebodyOut (world: World, pick: Pick, isOver: () => boolean): Promise<void> {
  const person = choose(world, pick)
  if (person === undefined) return
  const way = 1 + 2 * pick(2)
  await Promise.all(REPLICAS.map((replica) => check(world, replica, person, way)))
  newPerson(world, pick(3) === 0)
  await signOut(world, person, pick)
  person.isBusy = false
  if (person.hasEnded) await watch(world, person, way, isOver)
}

async function changeSomebodysRoles (world: World, pick: Pick): Promise<void> {
  const person = choose(world, pick)
  if (person === undefined) return
  const way = pick(WAYS.length)
  await Promise.all(REPLICAS.map((replica) => check(world, replica, person, way, 'admin')))
  await changeRoles(world, person, pick)
  person.isBusy = false
  await Promise.all(REPLICAS.map((replica) => check(world, replica, person, way, 'admin')))
}

async function watch (world: World, person: Person, way: number, isOver: () => boolean): Promise<void> {
  const began = now()
  for (let isRefused = false; !isOver() && now() - began < WATCH_MS.inAll;) {
    const statuses = await Promise.all(REPLICAS.map((replica) => check(world, replica, person, way)))
    isRefused = statuses.every((status) => status !== 200)
    await sleep(isRefused ? WATCH_MS.seldom : WATCH_MS.often)
  }
}

/** A credential that nobody knows, at all replicas at once, twice at each. */
async function burst (world: World): Promise<void> {
  const person = stranger(world, false)
  const at = now()
  const statuses = await Promise.all([...REPLICAS, ...REPLICAS].map((replica) => check(world, replica, person, 0)))
  const calls = world.simulator.counters.of(person.token)
  world.note({ kind: 'burst', person: person.id, at, endedAt: now(), calls, statuses: statuses.filter(Boolean) })
  join(world, person)
}
