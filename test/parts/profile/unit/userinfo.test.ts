import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import t from 'tap'
import type { UserId } from '../../../../src/base/core/resolution.ts'
import { listenFree } from '../../../helpers/listen-free.ts'
import { until } from '../../../helpers/until.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import type { Asker } from '../../../../src/base/identity/profile.ts'
import { createLentSource } from '../../../../src/parts/profile/lent.ts'
import { openUserinfo } from '../../../../src/parts/profile/userinfo.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { readAnswer } from '../../../../src/parts/profile/answer.ts'
import { addressStateOf, profileOf } from '../../../../src/parts/profile/read.ts'
import { PROFILE_FIELDS } from '../../../../src/base/identity/profile.ts'

interface Exchange {
  readonly name: string
  readonly status: number
  readonly responseHeaders: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
}

const FILE = new URL('../fixtures/userinfo.json', import.meta.url)
const { exchanges } = JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<{ exchanges: readonly Exchange[] }>
const recorded = (name: string): Exchange => {
  const found = exchanges.find((one) => one.name === name)
  if (found === undefined) throw new Error(`nothing is recorded of ${name}`)
  return found
}
const RULES = { fields: PROFILE_FIELDS, sendsUnverifiedEmail: false }

/** What is made of an answer, in one line of words. */
function saidOf ({ status, body }: Pick<Exchange, 'status' | 'body'>, sub = String(body['sub'])): string {
  const { outcome, reading } = readAnswer({ status, body: JSON.stringify(body) }, sub)
  if (reading.kind !== 'user') return `${outcome} ${reading.kind}`
  const { email, name, username, groups } = profileOf(reading.record, RULES)
  const all = [addressStateOf(reading.record, RULES), email, name, username, groups]
  return all.filter((one) => one !== undefined).join()
}

const OF_RECORDED = [
  ['userinfo: own, openid offline_access', 'verified,full-mx2p07ct-0@example.com,Ada Lovelace,namemx2p07ct'],
  ['userinfo: own, openid offline_access full-access',
    'verified,full-mx2p07ct-0@example.com,Ada Lovelace,namemx2p07ct'],
  ['before revocation', 'other'],
  ['e-mail hidden from bearers, verified, web', 'hidden,Countess Ada'],
  ['e-mail hidden from bearers, not verified, web', 'hidden,Countess Ada'],
  ['two e-mails: second removed: no address', 'other,u1796008434718'],
  ['anonymous user (sign-up enabled)', 'other'],
  ['no token', 'forbidden refused'],
  ['userinfo: machine, m2m JWT', 'forbidden refused'],
  ['userinfo: third, openid email', 'ok unreadable'],
  ['userinfo: third, openid email offline_access', 'ok unreadable'],
  ['userinfo: third, openid profile offline_access', 'ok unreadable']
] as const

t.test('what a real Authgear said is read as it is meant', async (t) => {
  for (const [name, wanted] of OF_RECORDED) t.equal(saidOf(recorded(name)), wanted, name)
})

const OWN = recorded('userinfo: own, openid offline_access').body

const OF_OTHERS = [
  ['another user', 200, OWN, 'somebody else', 'ok foreign'],
  ['no sub', 200, { email: 'a@example.com', email_verified: true, custom_attributes: {} }, 'x', 'garbage unreadable'],
  ['a list as sub', 200, { ...OWN, sub: ['x'] }, 'x', 'garbage unreadable'],
  ['an address that is no text', 200, { ...OWN, email: ['a@example.com'] }, undefined,
    'hidden,Ada Lovelace,namemx2p07ct'],
  ['an address that is null', 200, { ...OWN, email: null }, undefined, 'hidden,Ada Lovelace,namemx2p07ct'],
  ['verified as a text', 200, { ...OWN, email_verified: 'true' }, undefined, 'other,Ada Lovelace,namemx2p07ct'],
  ['a name of its own', 200, { ...OWN, name: 'Countess' }, undefined,
    'verified,full-mx2p07ct-0@example.com,Countess,namemx2p07ct'],
  ['an empty name', 200, { ...OWN, name: ' ' }, undefined,
    'verified,full-mx2p07ct-0@example.com,Ada Lovelace,namemx2p07ct'],
  ['one given name', 200, { ...OWN, family_name: undefined }, undefined,
    'verified,full-mx2p07ct-0@example.com,Ada,namemx2p07ct'],
  ['groups, which userinfo does not have', 200, { ...OWN, groups: ['staff'] }, undefined,
    'verified,full-mx2p07ct-0@example.com,Ada Lovelace,namemx2p07ct'],
  ['a redirect', 307, {}, 'x', 'misplaced failed'],
  ['not found', 404, {}, 'x', 'misplaced failed'],
  ['a firewall', 403, {}, 'x', 'refused failed'],
  ['too many', 429, {}, 'x', 'refused failed']
] as const

t.test('what Authgear would not say is no profile of anybody', async (t) => {
  for (const [what, status, body, sub, wanted] of OF_OTHERS) t.equal(saidOf({ status, body }, sub), wanted, what)
  for (const body of ['', '[]', 'null', '<!doctype html>', '{"sub":"x"']) {
    t.match(readAnswer({ status: 200, body }, 'x'), { outcome: 'garbage', reading: { kind: 'unreadable' } }, body)
  }
})

const HEADERS = ['cache-control', 'content-type', 'pragma', 'vary', 'www-authenticate', 'x-robots-tag']

/** An answer's status, headers and claims, without what differs from user to user. */
const formOf = (status: number, headers: Readonly<Record<string, unknown>>, body: string): object => ({
  status,
  headers: Object.fromEntries(HEADERS.map((name) => [name, headers[name]])),
  claims: body.startsWith('{') ? Object.keys(JSON.parse(body) as object).sort() : []
})

t.test('the simulator answers in the form of a real Authgear', async (t) => {
  const simulator = await startSimulator(t, { clients: [] })
  simulator.controls.setAttributes('alice', OWN)
  const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
  const cookie: HeaderLine = ['Cookie', `session=${demo.alice.cookie}`]
  for (const [name, method, headers] of [
    ['userinfo: own, openid offline_access', 'GET', [bearer(demo.alice.accessToken)]],
    ['POST, header', 'POST', [bearer(demo.alice.accessToken), ['Content-Type', 'application/x-www-form-urlencoded']]],
    ['no token', 'GET', []],
    ['refresh token as bearer', 'GET', [bearer('no.access-token')]],
    ['garbage token and a session cookie', 'GET', [bearer('abc.def'), cookie]],
    ['session cookie alone', 'GET', [cookie]]
  ] as const) {
    const { status, responseHeaders, body } = recorded(name)
    const said = await ask(simulator.port, { method, path: '/oauth2/userinfo', headers })
    const { 'https://authgear.com/claims/user/authenticators': _1, ...rest } = body
    const { 'https://authgear.com/claims/user/identities': _2, ...claims } = rest
    const { 'https://authgear.com/claims/user/recovery_code_enabled': _3, ...plain } = claims
    const wanted = formOf(status, responseHeaders, JSON.stringify(plain))
    t.strictSame(formOf(said.status, said.headers, said.body), wanted, name)
  }
  const head = await ask(simulator.port, { method: 'HEAD', path: '/oauth2/userinfo', headers: [cookie] })
  t.equal(head.status, recorded('HEAD').status)
})

t.test('a storm of new users waits in the order of arrival, and each is asked about once', async (t) => {
  const asked: string[] = []
  const held: Array<() => void> = []
  let isHeld = true
  const server = createServer(({ headers: { authorization = '' } }, response) => {
    const sub = authorization.slice('Bearer '.length)
    asked.push(sub)
    const answer = (): void => { response.end(JSON.stringify({ sub, custom_attributes: {} })) }
    if (isHeld) held.push(answer)
    else answer()
  })
  const port = await listenFree(t, server)
  const userinfo = openUserinfo({
    origin: `http://127.0.0.1:${port}`,
    timeoutMs: 60_000,
    ca: undefined,
    now: () => performance.now(),
    called: () => {},
    outage: { outageBegan: () => {}, outageEnded: () => {} }
  })
  t.teardown(() => userinfo.close())
  const people = Array.from({ length: 2000 }, (_, n) => String(n))
  const trace = { address: undefined, userAgent: undefined, traceparent: undefined, tracestate: undefined }
  const readings = people.map((sub) => userinfo.read(sub, sub as UserId, trace))
  await until('eight are asked about', () => held.length === 8)
  isHeld = false
  for (const answer of held) answer()
  t.strictSame(new Set((await Promise.all(readings)).map(({ kind }) => kind)), new Set(['user']))
  t.equal(asked.length, people.length)
  const isInOrder = asked.every((sub, n) => Math.abs(Number(sub) - n) < 16) // eight connections overtake each other
  t.ok(isInOrder, asked.slice(0, 40).join())
})

t.test('credentials rest after a failed call, not after a wait in vain', async (t) => {
  for (const [reading, mayAsk] of [[{ kind: 'failed' }, false], [{ kind: 'failed', isAsked: false }, true]] as const) {
    const source = createLentSource({
      userinfo: { read: async () => reading },
      loans: { lend: async () => 'token', doubt: async () => {} },
      changes: { lifeOf: () => { throw new Error('nothing was read') } },
      clock: manualClock()
    })
    const subject = { key: 'key', trace: () => ({}) } as unknown as NonNullable<Asker['subject']>
    const asker: Asker = { userId: 'alice' as UserId, identity: [], subject }
    await source.read(asker)
    t.equal(source.mayAsk(asker), mayAsk, JSON.stringify(reading))
  }
})
