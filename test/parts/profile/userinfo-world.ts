import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { InProcessOptions } from '../../helpers/in-process.ts'
import { isCallback } from '../../helpers/own-session-world.ts'
import { APP, cookieOf, type OwnWorld, type OwnWorldOptions, startOwnWorld } from '../../helpers/own-world.ts'
import { last, type Person } from '../../helpers/person.ts'
import { ask } from '../../helpers/request.ts'
import { demo } from '../../helpers/simulator.ts'
import { until } from '../../helpers/until.ts'
import { webhookOf, WEBHOOK_SECRET } from '../../helpers/webhook.ts'

/** Longer than all that Authgear's userinfo is late after a start. */
export const SETTLED_MS = 311_000

/** Profiles by people's own tokens, and a rule by address. */
export const USERINFO: Partial<InProcessOptions> = {
  IDENTITY_PROFILE: 'email,name,username',
  IDENTITY_HEADERS: 'remote',
  IDENTITY_USER: 'username',
  PROFILE_TIMEOUT: '5s',
  CACHE_TTL: '10m',
  AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
  ALLOW: 'email_domain=example.com'
}

/** A world of own sessions without an Admin API, in which the start is long past. */
export async function startUserinfoWorld (
  t: Test, { adapter, ...options }: OwnWorldOptions = {}
): Promise<OwnWorld> {
  const world = await startOwnWorld(t, { ...options, adapter: { ...USERINFO, ...adapter } })
  await pass(world, SETTLED_MS)
  return world
}

/** Time passes, and the replicas follow their log again. */
export async function pass (world: OwnWorld, ms: number): Promise<void> {
  world.clock.advance(ms)
  await until('all follow the log', () => world.replicas.every(({ service }) => service.redisState() !== 'down'))
}

/** Signs in on Authgear's page, and asks for nothing. @returns the session's cookie */
export async function signInAs (
  world: OwnWorld, user: keyof typeof demo = 'alice', person: Person = world.person(), origin = APP
): Promise<string> {
  const page = last(await person.open(`${origin}/_auth/login?rd=${origin}/`))
  const before = cookieOf(person, origin)
  await person.send(page.url, { user }, { until: isCallback })
  const cookie = cookieOf(person, origin)
  if (cookie === '' || cookie === before) throw new Error('nobody signed in')
  return cookie
}

/** Status and reason. */
export async function saidOf (world: OwnWorld, cookie: string, replica = 0, path = '/verify'): Promise<string> {
  const { status, headers } = await world.ask(path, cookie, {}, replica)
  return `${status} ${String(headers['x-forward-auth-reason'])}`
}

export const ALLOWED = '200 allowed'
export const FORBIDDEN = '403 forbidden'
export const UNKNOWN = '503 authgear_unavailable'

/** Authgear tells of a user: an address was proved, changed or taken away. @param wanted 503: Redis does not take it */
export async function tell (
  world: OwnWorld, user: keyof typeof demo = 'alice', replica = 0, wanted: 204 | 503 = 204
): Promise<void> {
  const { id } = demo[user]
  const told = world.replicas[replica]
  if (told === undefined) throw new Error('there is no such replica')
  const body = JSON.stringify({
    id: `event ${randomUUID()}`,
    type: 'identity.email.updated',
    payload: { user: { id } },
    context: { app_id: 'app', user_id: id }
  })
  const { status } = await ask(told.port, webhookOf(body))
  if (status !== wanted) throw new Error(`the webhook was answered ${status}`)
}

/** The users that userinfo was asked about. */
export const calledFor = ({ authgear }: OwnWorld): ReadonlyArray<string | undefined> =>
  authgear.controls.userinfo.calls.map(({ user }) => user)
