import { randomUUID } from 'node:crypto'
import { createPerson, last, type Person as Browser, type Site } from '../../helpers/person.ts'
import { ask, type HeaderLine } from '../../helpers/request.ts'
import { now } from '../history.ts'
import type { Person } from '../people.ts'
import type { Replica } from '../replica.ts'
import { factsOf } from '../requests.ts'
import type { World } from '../world.ts'
import { APP, type OwnSide } from './side.ts'

/**
 * One user with one session of ours, by the cookie of their browser. `isUnclear`: a sign-out failed on its way, and may
 * end the session all the same: nobody can say what is right.
 */
export type OwnPerson = Person & Readonly<{ browser: Browser, grant: string }> & { isUnclear: boolean }

const HOST = new URL(APP).host
/** Milliseconds after which a request that got no answer hangs. */
const PATIENCE_MS = 20_000
/** Cookies alone: a sign-out's line of the log is about them. */
const BY_COOKIE = 1

/** Signs a new user in at that replica, by Authgear's login page. */
export async function signIn (world: World, own: OwnSide, replica: Replica): Promise<OwnPerson> {
  const id = randomUUID()
  own.simulator.controls.addUser({ id, name: id, roles: ['staff'] })
  const browser = createPerson({ [new URL(own.endpoint).host]: authgearSite(own), [HOST]: appSite(replica) })
  const page = last(await browser.open(`${APP}/`))
  const { status } = last(await browser.send(page.url, { user: id }))
  const grant = own.grantOf(id)
  if (status !== 200 || grant === undefined) throw new Error(`nobody is signed in: ${status}`)
  world.note({ kind: 'signedIn', person: id, isAdmin: false, at: now() })
  return { id, token: '', cookie: '', isAdmin: false, hasEnded: false, isBusy: false, isUnclear: false, browser, grant }
}

function authgearSite ({ endpoint, simulator: { port } }: OwnSide): Site {
  return ({ method, path, headers, body }) =>
    ask(port, { method, path, host: new URL(endpoint).host, headers: Object.entries(headers), body })
}

const FORWARDED = [['X-Forwarded-Host', HOST], ['X-Forwarded-Proto', 'https']] as const

/** A proxy before the app: the login's routes lead to the replica, which is asked about all else. */
function appSite (replica: Replica): Site {
  return ({ method, path, headers }) => {
    const lines: readonly HeaderLine[] = [
      ...Object.entries(headers), ...FORWARDED, ['X-Forwarded-Uri', path], ['X-Forwarded-Method', method]
    ]
    const signal = AbortSignal.timeout(PATIENCE_MS)
    return replica.ask({ method, path: path.startsWith('/_auth/') ? path : '/verify', headers: lines, signal })
  }
}

/** One request of a program with the browser's cookie, noted with its answer. @returns the status, 0 without one */
export async function check (
  world: World,
  own: OwnSide,
  person: OwnPerson,
  index: number,
  isCalm: boolean
): Promise<number> {
  const replica = world.replicas[index]
  if (replica?.isUp !== true || person.isUnclear) return 0
  const signal = AbortSignal.timeout(PATIENCE_MS)
  const headers = [...FORWARDED, ['Cookie', person.browser.cookies(HOST)] as const]
  const at = now()
  const answer = await replica.ask({ path: '/verify', headers, signal }).catch(() => undefined)
  const endedAt = now()
  if (answer === undefined) {
    world.note({ kind: 'unanswered', replica: index, at, endedAt, hangs: signal.aborted })
    return 0
  }
  const said = own.saidOf(person.grant)
  world.note({
    kind: 'answer',
    replica: index,
    person: person.id,
    way: BY_COOKIE,
    policy: 'none',
    at,
    endedAt,
    ...factsOf(answer),
    own: { isCalm, rotates: own.rotates, ...said }
  })
  return answer.status
}

/**
 * `/_auth/logout` there.
 * @param goesOn whether the browser goes on to Authgear, which ends the grant; else the service has to
 * @returns whether it is over
 */
export async function signOut (
  world: World,
  own: OwnSide,
  person: OwnPerson,
  { index, goesOn }: Readonly<{ index: number, goesOn: boolean }>
): Promise<boolean> {
  const replica = world.replicas[index]
  if (replica?.isUp !== true || person.hasEnded) return false
  const headers = [
    ...FORWARDED, ['Cookie', person.browser.cookies(HOST)], ['Sec-Fetch-Mode', 'navigate'],
    ['Sec-Fetch-Dest', 'document'], ['Sec-Fetch-Site', 'same-origin'], ['Accept', 'text/html']
  ] as const
  const asked = now()
  world.note({ kind: 'leaving', person: person.id, at: asked })
  const answer = await replica.ask({ path: '/_auth/logout', headers, signal: AbortSignal.timeout(PATIENCE_MS) })
    .catch(() => undefined)
  person.hasEnded = true
  const at = now()
  if (answer?.status !== 302) {
    person.isUnclear = true
    world.note({ kind: 'ended', person: person.id, at: asked })
    return false
  }
  if (goesOn) own.simulator.controls.endGrant(person.grant)
  world.note({ kind: 'ended', person: person.id, at })
  world.note({ kind: 'taken', person: person.id, replica: index, covers: 'cookie', at })
  return true
}
