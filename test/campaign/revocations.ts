import { setTimeout as sleep } from 'node:timers/promises'
import { STRICT } from '../helpers/login-answers.ts'
import type { Answer } from '../helpers/request.ts'
import { disabledEvent, webhookOf } from '../helpers/webhook.ts'
import { now } from './history.ts'
import { rolesOf, type Person } from './people.ts'
import { purge } from './purge.ts'
import type { Pick } from './random.ts'
import type { Replica } from './replica.ts'
import { SETTINGS } from './situations.ts'
import type { World } from './world.ts'

/** How a revocation reaches a replica. */
type Channel = 'webhook' | 'purge'

const ATTEMPTS = 400
const BETWEEN_MS = 100
const PATIENCE_MS = 3000

/** Authgear disables the user, and tells; again until somebody says that it is in the log. */
export async function revoke (world: World, person: Person, pick: Pick): Promise<void> {
  endSession(world, person)
  const first = pick(SETTINGS.replicas)
  const channel = pick(2) === 0 ? 'webhook' : 'purge'
  await publish(world, person, { first, channel, of: 'end' })
}

function endSession ({ simulator, note }: World, person: Person): void {
  if (person.hasEnded) return
  person.hasEnded = true
  simulator.controls.disable(person.id)
  note({ kind: 'ended', person: person.id, at: now() })
}

/** A role is given or taken, and everybody is told. */
export async function changeRoles (world: World, person: Person, pick: Pick): Promise<void> {
  person.isAdmin = !person.isAdmin
  world.note({ kind: 'roles', person: person.id, isAdmin: person.isAdmin, at: now() })
  world.simulator.controls.setRoles(person.id, rolesOf(person.isAdmin))
  await publish(world, person, { first: pick(SETTINGS.replicas), channel: 'webhook', of: 'roles' })
}

type Publishing = Readonly<{ first: number, channel: Channel, of: 'end' | 'roles' }>

export async function publish (world: World, person: Person, { first, channel, of }: Publishing): Promise<void> {
  const since = now()
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const index = (first + attempt) % SETTINGS.replicas
    const replica = world.replicas[index]
    const answer = replica?.isUp === true
      ? await tell(replica, person, channel, of, attempt).catch(() => undefined)
      : undefined
    const at = now()
    const isLogged = answer?.status === (channel === 'webhook' ? 204 : 200)
    if (answer !== undefined && (isLogged || answer.status === 503) && of === 'end') {
      world.note({ kind: 'taken', person: person.id, replica: index, covers: 'user', at })
    }
    if (isLogged) return world.note({ kind: 'logged', person: person.id, of, covers: 'user', since, at })
    await sleep(BETWEEN_MS)
  }
}

async function tell (
  replica: Replica,
  { id }: Person,
  channel: Channel,
  of: 'end' | 'roles',
  attempt: number
): Promise<Answer> {
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const event = disabledEvent(id, `${id} ${of} ${now()} ${attempt}`)
  const body = of === 'end' ? event : event.replace('user.disabled', 'user.profile.updated')
  return channel === 'webhook'
    ? await replica.ask({ ...webhookOf(body), signal })
    : await purge(replica, { user_id: id }, signal)
}

/** Everybody is asked about again. */
export async function purgeEverything (world: World, pick: Pick): Promise<void> {
  world.note({ kind: 'everything', at: now() })
  const replica = world.replicas[pick(SETTINGS.replicas)]
  if (replica?.isUp === true) await purge(replica, { all: true }, AbortSignal.timeout(PATIENCE_MS)).catch(() => {})
}

const BROWSER = Object.entries({
  ...STRICT, 'sec-fetch-site': 'same-origin', 'x-forwarded-host': 'app.example.com', 'x-forwarded-proto': 'https'
})

/** `/_auth/logout`, and then Authgear ends the session; one that is refused changes nothing. */
export async function signOut (world: World, person: Person, pick: Pick): Promise<void> {
  const index = pick(SETTINGS.replicas)
  const replica = world.replicas[index]
  if (replica?.isUp !== true || person.hasEnded) return
  const headers = [...BROWSER, ['Cookie', `session=${person.cookie}`] as const]
  const asked = { path: '/_auth/logout', headers, signal: AbortSignal.timeout(PATIENCE_MS) }
  const wasWell = world.isWell
  const since = now()
  const answer = await replica.ask(asked).catch(() => undefined)
  if (answer?.status !== 302 || person.hasEnded) return
  const isKnown = String(answer.headers['set-cookie'] ?? '') !== ''
  person.hasEnded = true
  world.simulator.controls.signOut(person.cookie)
  const at = now()
  world.note({ kind: 'ended', person: person.id, at })
  if (isKnown) world.note({ kind: 'taken', person: person.id, replica: index, covers: 'cookie', at })
  if (isKnown && wasWell && world.isWell) {
    world.note({ kind: 'logged', person: person.id, of: 'end', covers: 'cookie', since, at })
  } else await publish(world, person, { first: index, channel: 'webhook', of: 'end' })
}
