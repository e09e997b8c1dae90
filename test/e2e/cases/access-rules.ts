import type { Test } from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { PEOPLE } from '../../parts/access-rules/people.ts'
import { profileSettings } from '../../parts/profile/profile-settings.ts'
import { adminApi } from '../../helpers/audit.ts'
import { LOGIN } from '../../helpers/in-process.ts'
import { makeOwnCert } from '../../helpers/own-cert.ts'
import { ask, HOST, type HeaderLine } from '../../helpers/request.ts'
import { demo, type RunningSimulator, startSimulator } from '../../helpers/simulator.ts'
import { machineClaims, personClaims, signed, startIssuer } from '../../helpers/token-issuer.ts'
import { until } from '../../helpers/until.ts'
import { startBefore, startOneReplica } from '../one-replica.ts'
import type { Proxy } from '../proxy.ts'
import { shipped, type Case } from './case.ts'

const RESOURCE = `https://${HOST}/mcp`
const OPTIONS = [
  '--resource', `${RESOURCE}=/mcp`, '--scope', 'none',
  '--policy', '/plus=email=a.b+c@example.com', '--policy', '/two=email=ab%2Bc%40example.com,zoe@example.com'
]
/** Newer than the replica, whatever the machine's speed. */
const AHEAD_MS = 4000

const cookie = (text: string): readonly HeaderLine[] => [['Cookie', `session=${text}`]]
const bearer = (token: string): readonly HeaderLine[] => [['Authorization', `Bearer ${token}`]]

/** A user of the simulator for each row, with a session and no groups; the disabled and the anonymous one are there. */
function addPeople ({ controls }: RunningSimulator) {
  return PEOPLE.map(([who, user, attributes, , lets], n) => {
    const end = String(n).padStart(12, '0')
    const id = user === 'alice' ? `7ab1e000-0000-4000-8000-${end}` : demo[user].id
    const session = user === 'alice' ? `7ab1e000-0000-4000-8000-${end}.sessionOfTheTable${end}` : demo[user].cookie
    const token = user === 'alice' ? `tokenOfTheTable${end}`.padEnd(32, '0') : demo[user].accessToken
    const sessions = [{ cookie: session, accessTokens: [token] }]
    if (user === 'alice') controls.addUser({ id, name: who, verified: true, sessions })
    controls.setAttributes(user === 'alice' ? who : user, attributes)
    const status = user === 'dora' ? 401 : lets.startsWith('+') ? 200 : 403
    return { who, id, headers: cookie(session), token, attributes, status }
  })
}

async function start (t: Test, proxy: Proxy) {
  const [issuer, authgear] = await Promise.all([startIssuer(t), startSimulator(t, { adminApi, hosts: ['127.0.0.1'] })])
  const { without: _, ...profile } = profileSettings(authgear.url)
  const replica = await startOneReplica(t, {
    ...profile as Record<string, string>,
    AUTHGEAR_ENDPOINT: issuer.url,
    AUTHGEAR_RESOLVER_URL: `${authgear.url}/resolve`,
    RESOURCES: RESOURCE,
    ALLOW: 'email_domain=example.com'
  }, { grpc: proxy.grpc === true, tls: proxy.tls ? makeOwnCert(t) : undefined, authgear })
  const people = addPeople(authgear)
  const { port, app } = await startBefore(t, proxy, replica, { options: OPTIONS })
  const statusOf = async (headers: readonly HeaderLine[], path = '/page'): Promise<number> => {
    const before = app.received.length
    const { status } = await ask(port, { path, headers })
    const isThrough = app.received.length > before
    return isThrough === (status === 200) ? status : NaN // only a 200 is the app's
  }
  const now = (): number => systemClock.wall() + AHEAD_MS
  return { authgear, issuer, people, statusOf, now }
}

/** Without the Admin API: each profile is read from userinfo, by the person's own token. */
async function startWithUserinfo (t: Test, proxy: Proxy) {
  const authgear = await startSimulator(t, { hosts: ['127.0.0.1'], clients: [] })
  const { LOGIN_ALLOWED_HOSTS: _, LOGOUT_REDIRECT_URI: __, ...login } = LOGIN
  const replica = await startOneReplica(t, {
    ...login,
    AUTHGEAR_ENDPOINT: authgear.url,
    LOGIN_SESSION: 'own',
    IDENTITY_PROFILE: 'email',
    ALLOW: 'email_domain=example.com'
  }, { grpc: proxy.grpc === true, tls: proxy.tls ? makeOwnCert(t) : undefined, authgear })
  const { port } = await startBefore(t, proxy, replica)
  const statusOf = async (token: string): Promise<number> =>
    (await ask(port, { path: '/page', headers: bearer(token) })).status
  return { authgear, people: addPeople(authgear), statusOf }
}

/** userinfo says that there is an address, and not which: no rule can say of such a person yes or no. */
const isHidden = ({ email, email_verified: verified }: Readonly<Record<string, unknown>>): boolean =>
  verified !== undefined && typeof email !== 'string'

export const accessRules: readonly Case[] = [{
  name: 'ALLOW=email_domain with profiles from userinfo: each kind of person',
  only: (proxy) => shipped(proxy) || proxy.server === 'envoy',
  async run (t, _, proxy) {
    const { authgear, people, statusOf } = await startWithUserinfo(t, proxy)
    for (const { who, token, attributes, status } of people) {
      const wanted = status === 403 && isHidden(attributes) ? 503 : status
      t.equal(await statusOf(token), wanted, who)
      if (wanted !== 503) t.equal(await statusOf(token), wanted, `${who}, from memory`)
    }
    authgear.controls.userinfo.fail('error')
    const late = 'tokenOfALatePerson'.padEnd(32, '0')
    const id = '7ab1e000-0000-4000-8000-0000000000ff'
    authgear.controls.addUser({ id, name: 'late', sessions: [{ accessTokens: [late] }] })
    authgear.controls.setAttributes('late', { email: 'late@example.com', email_verified: true })
    t.equal(await statusOf(late), 503, 'without an answer of userinfo')
  }
}, {
  name: 'ALLOW=email_domain: each kind of person, agent and machine, and addresses in routes',
  only: (proxy) => shipped(proxy) || proxy.server === 'envoy',
  async run (t, _, proxy) {
    const { authgear, issuer, people, statusOf, now } = await start(t, proxy)
    const idOf = (who: string): string => people.find((person) => person.who === who)?.id ?? ''

    await t.test('people', async (t) => {
      for (const { who, headers, status } of people) {
        t.equal(await statusOf(headers), status, who)
        t.equal(await statusOf(headers), status, `${who}, from memory`)
      }
      t.equal(await statusOf([]), 401, 'nobody')
    })

    await t.test('agents and machines', async (t) => {
      const agentOf = (who: string) =>
        bearer(signed(personClaims(issuer.url, now(), idOf(who), { aud: [RESOURCE] })))
      const machine = (): readonly HeaderLine[] => bearer(signed(machineClaims(issuer.url, now(), { aud: [RESOURCE] })))
      await until('the keys are there', async () => await statusOf(machine(), '/mcp') === 200)
      for (const [who, status] of [
        ['a verified address', 200], ['an address that is not verified', 403], ['a sub-domain', 403],
        ['an anonymous user', 403]
      ] as const) t.equal(await statusOf(agentOf(who), '/mcp'), status, `an agent of ${who}`)
    })

    await t.test('an address in a route is that address, with its dots and plus', async (t) => {
      const lets = {
        'plus and dots': [200, 403],
        'the same dots elsewhere': [403, 200],
        'a verified address': [403, 403],
        'another verified address': [403, 200]
      }
      for (const [who, statuses] of Object.entries(lets)) {
        const { headers = [] } = people.find((person) => person.who === who) ?? {}
        t.strictSame([await statusOf(headers, '/plus/x'), await statusOf(headers, '/two')], statuses, who)
      }
    })

    await t.test('an Admin API without an answer is 503, for whom nothing is known of', async (t) => {
      const id = '7ab1e000-0000-4000-8000-0000000000ff'
      const session = `${id}.sessionOfALatePerson0000`
      authgear.controls.addUser({ id, name: 'late', verified: true, sessions: [{ cookie: session }] })
      authgear.controls.setAttributes('late', { email: 'late@example.com', email_verified: true })
      authgear.controls.profiles.fail('error')
      t.equal(await statusOf(cookie(session)), 503)
      t.equal(await statusOf([]), 401)
      for (const { who, headers, status } of people.slice(0, 6)) t.equal(await statusOf(headers), status, who)
    })
  }
}]
