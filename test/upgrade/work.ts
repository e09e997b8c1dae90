import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { openEvents, type EventStream } from '../helpers/event-stream.ts'
import { ask } from '../helpers/request.ts'
import { demo } from '../helpers/simulator.ts'
import { RESOURCE } from '../helpers/token-issuer.ts'
import { until } from '../helpers/until.ts'
import { disabledEvent, webhookOf } from '../helpers/webhook.ts'
import { APP, emailOf, LIFE_SECONDS, type Replica, type UpgradeWorld, type User } from './world.ts'

/** The pages promise two seconds; a machine that does ten other things gets five times that. */
const COUNTS_WITHIN_MS = 10_000
const OF_RESOURCE = `/resource?resource=${encodeURIComponent(RESOURCE)}`
const BASIC = `${OF_RESOURCE}&basic=on`
const LOGINS = 5

type Step = Readonly<{
  world: UpgradeWorld
  /** Users who are signed in, the oldest first. */
  living: User[]
  streams: readonly EventStream[]
  /** Each replica, and the other one. */
  pairs: ReadonlyArray<readonly [here: Replica, there: Replica]>
  say: (what: string) => void
}>

/** Each replica leaves something of each kind for the other one. @returns what was wrong */
export async function work (world: UpgradeWorld, living: User[]): Promise<string[]> {
  const [first, second] = world.replicas as [Replica, Replica]
  const streams = await Promise.all([follow(first, second.place), follow(second, first.place)])
  const wrong: string[] = []
  const say = (what: string): void => { wrong.push(`${first.build.name} ${second.build.name}: ${what}`) }
  const step: Step = { world, living, streams, pairs: [[first, second], [second, first]], say }
  await checkUsers(step)
  for (const [here, there] of step.pairs) {
    for (let i = 0; i < LOGINS; i++) living.push(await world.signIn(here, there))
    await checkTokens(step, here, there)
  }
  await sleep(LIFE_SECONDS * 1000)
  await checkUsers(step)
  await signOuts(step)
  for (const [here] of step.pairs) await revocations(step, here)
  await checkUsers(step)
  await missedEvents(step)
  return wrong
}

/** @param after the last event that the app received, from either replica and before either was replaced */
const follow = ({ eventsPort }: Replica, after?: string): Promise<EventStream> =>
  openEvents({ teardown: () => {} }, eventsPort, { after })

/** An app that was away gets what it missed, from the other replica. */
async function missedEvents ({ world, streams, pairs, say }: Step): Promise<void> {
  for (const [index, [here, there]] of pairs.entries()) {
    const what = `a stream of ${here.build.name} that goes on at ${there.build.name}`
    const stream = streams[index] as EventStream
    if (stream.events[0]?.event !== 'connected') say('a stream from before this step was reset')
    stream.close()
    const missed = randomUUID()
    await world.manage(here, 'POST', '/revocations', JSON.stringify({ user_id: missed }))
    const { told, events, lastId, close } = await follow(there, stream.lastId())
    await until(what, () => told().some(({ user }) => user === missed), COUNTS_WITHIN_MS)
      .catch(() => say(`${what} lacks what was missed`))
    if (events.some(({ event }) => event === 'reset')) say(`${what} was reset`)
    there.place = lastId()
    close()
  }
}

/** Each user is admitted by each replica as the same user, with one session name, an address and a valid assertion. */
async function checkUsers ({ world: { verify, replicas }, living, say }: Step): Promise<void> {
  const keys = await Promise.all(replicas.map(async ({ service: { port } }) =>
    createLocalJWKSet(JSON.parse((await ask(port, { path: '/.well-known/forward-auth/jwks.json' })).body))))
  for (const user of living) {
    const names = new Set<unknown>()
    for (const [index, replica] of replicas.entries()) {
      const { status, headers } = await verify(user, replica)
      const what = `${replica.build.name}, a session that ${user.madeBy} made:`
      if (status !== 200) { say(`${what} ${status} ${String(headers['x-forward-auth-reason'])}`); continue }
      if (headers['x-authgear-user-id'] !== user.id) say(`${what} another user`)
      if (headers['remote-email'] !== emailOf(user.id)) say(`${what} the address ${String(headers['remote-email'])}`)
      names.add(headers['x-forward-auth-session'])
      const ofOther = keys[1 - index] as (typeof keys)[number]
      await jwtVerify(String(headers['x-forward-auth-assertion']), ofOther, { issuer: APP, audience: 'chat' })
        .catch((error: Error) => say(`${what} its assertion by the other's keys: ${error.message}`))
    }
    if (names.size > 1) say('two names of one session for apps')
  }
  for (const user of living.slice(0, 1)) {
    const statuses = await Promise.all(replicas.map(async (one) => (await verify(user, one, 'example.org')).status))
    if (statuses.some((status) => status !== 403)) say(`a rule by another domain: ${statuses.join()}`)
  }
}

/** Authgear's own token, a resource token, the same machine by its id and secret, a block and its end. */
async function checkTokens ({ world, say }: Step, here: Replica, there: Replica): Promise<void> {
  const token = await world.machineToken()
  const statuses = (credential: string, path?: string): Promise<readonly number[]> =>
    Promise.all([here, there].map(async (replica) => (await world.bearer(credential, replica, path)).status))
  const byPair = (secret?: string): Promise<readonly number[]> =>
    Promise.all([here, there].map(async (replica) => (await world.basic(replica, BASIC, secret)).status))
  const becomes = async (what: string, isIn: boolean): Promise<void> => {
    const isSo = async () => [...await statuses(token, OF_RESOURCE), ...await byPair()]
      .every((status) => (status === 200) === isIn)
    await until(what, isSo, COUNTS_WITHIN_MS).catch((error: Error) => say(error.message))
  }
  if ((await statuses(demo.alice.accessToken)).some((status) => status !== 200)) say('a token of Authgear was refused')
  await becomes('a token for the API passes, and the machine by its secret', true)
  if ((await byPair('another secret')).includes(200)) say('another secret of the machine passed')
  const block = await world.manage(here, 'PUT', '/clients/machine/block')
  if (block.status !== 200) say(`PUT block at ${here.build.name}: ${block.status} ${block.body.slice(0, 80)}`)
  await becomes(`a block at ${here.build.name} counts at ${there.build.name}`, false)
  await world.manage(there, 'DELETE', '/clients/machine/block')
  await becomes(`its end at ${there.build.name} counts at ${here.build.name}`, true)
}

/** Of a session of each build, at each build, after the other one wrote its record. */
async function signOuts ({ world, living, streams, pairs, say }: Step): Promise<void> {
  const isMixed = pairs[0]?.[0].build.name !== pairs[0]?.[1].build.name
  await sleep(LIFE_SECONDS * 1000)
  for (const madeBy of ['old', 'new']) {
    for (const [here, there] of isMixed ? pairs : pairs.slice(0, 1)) {
      const index = living.findLastIndex((user) => user.madeBy === madeBy)
      const [user] = index < 0 ? [] : living.splice(index, 1)
      if (user === undefined) continue
      const what = `a sign-out at ${here.build.name} of a session that ${madeBy} made`
      await world.verify(user, there)
      const heard = streams.map((stream) => stream.told().length)
      const { status } = await world.signOut(user, here)
      if (status !== 302) say(`${what} answered ${status}`)
      await endsEverywhere(world, user, what, say)
      const isTold = () => streams.every((stream, i) => stream.told().length > (heard[i] ?? 0))
      await until(what, isTold, COUNTS_WITHIN_MS).catch(() => say(`${what} was not told to apps`))
    }
  }
}

/** A purge and a webhook. */
async function revocations ({ world, living, say }: Step, here: Replica): Promise<void> {
  const [purged, disabled] = [living.pop(), living.pop()]
  if (purged === undefined || disabled === undefined) throw new Error('nobody is left to be revoked')
  const logged = await world.manage(here, 'POST', '/revocations', JSON.stringify({ user_id: purged.id }))
  if (logged.status !== 200) say(`POST /revocations at ${here.build.name}: ${logged.status}`)
  world.simulator.controls.revokeSessions(purged.id)
  await endsEverywhere(world, purged, `a purge at ${here.build.name}`, say)
  world.simulator.controls.disable(disabled.id)
  const { status } = await ask(here.service.port, webhookOf(disabledEvent(disabled.id, `of ${disabled.id}`)))
  if (status !== 204) say(`the webhook at ${here.build.name}: ${status}`)
  await endsEverywhere(world, disabled, `a webhook at ${here.build.name}`, say)
}

async function endsEverywhere (
  { verify, replicas }: UpgradeWorld, user: User, what: string, say: Step['say']
): Promise<void> {
  const areOut = async () => (await Promise.all(replicas.map((replica) => verify(user, replica))))
    .every(({ status }) => status !== 200)
  await until(what, areOut, COUNTS_WITHIN_MS).catch(() => say(`${what} does not count everywhere`))
}
