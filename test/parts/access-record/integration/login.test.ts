import t from 'tap'
import { recordedIn, recordFile, type RecordLine } from '../helpers.ts'
import { startLoginWorld, APP as AUTHGEARS_APP } from '../../../helpers/login-world.ts'
import { actionIn, APP, startOwnWorld } from '../../../helpers/own-world.ts'
import { type Hop, last } from '../../../helpers/person.ts'
import { demo } from '../../../helpers/simulator.ts'

const OWN_CLICK = { headers: { 'sec-fetch-site': 'same-origin' } }
const EACH = { ACCESS_RECORD_WINDOW: 0 }
const isAuthorize = ({ url }: Hop): boolean => new URL(url).pathname === '/oauth2/authorize'

/** Of the login's pages, what names somebody. */
const ofLogin = (lines: readonly RecordLine[]): readonly RecordLine[] =>
  lines.filter(({ endpoint, user }) => endpoint === 'login' && user !== undefined)
const shown = (lines: readonly RecordLine[]): readonly string[] =>
  lines.map(({ verdict, reason, kind, user }) => `${verdict} ${reason} ${kind} ${user === demo.alice.id}`)

t.test('a session of our own: sign-in, step-up and sign-out name its user', async (t) => {
  const { file, ACCESS_RECORD } = recordFile(t)
  const world = await startOwnWorld(t, { adapter: { ACCESS_RECORD, ...EACH } })
  const person = await world.signedIn('alice', `${APP}/first`)
  world.clock.advance(120_000)
  const page = last(await person.open(`${APP}/secret/x`))
  t.equal(last(await person.send(actionIn(world, page), { x: '1' })).status, 200)
  t.equal(last(await person.open(`${APP}/_auth/logout`, OWN_CLICK)).status, 200)
  await world.replicas[0]?.close()
  const lines = recordedIn(file)
  const named = ofLogin(lines)
  t.strictSame(shown(named), [
    'signed_in sent_back person true',
    'redirected sent_to_authgear person true',
    'signed_in sent_back person true',
    'signed_out signing_out person true'
  ])
  const allowed = lines.filter(({ verdict }) => verdict === 'allowed')
  const [first, second] = ['/first', '/secret/x'].map((at) => allowed.find(({ path }) => path === at)?.['session'])
  t.match([first, second], [/^[\w-]{22}$/, /^[\w-]{22}$/])
  t.not(first, second, 'a step-up gives the session another name')
  t.strictSame(named.map(({ session }) => session), [first, first, second, second])
})

t.test('a step-up that is refused names whose session it was', async (t) => {
  const { file, ACCESS_RECORD } = recordFile(t)
  const world = await startOwnWorld(t, { adapter: { ACCESS_RECORD, ...EACH } })
  const person = await world.signedIn()
  world.clock.advance(120_000)
  const authorize = (await person.open(`${APP}/secret/x`)).find(isAuthorize)?.url ?? ''
  world.clock.advance(400_000) // the hint has ended: Authgear asks for a whole login
  const login = last(await person.open(authorize))
  t.equal(last(await person.send(login.url, { user: 'bob' })).status, 403)
  await world.replicas[0]?.close()
  t.equal(shown(ofLogin(recordedIn(file))).at(-1), 'refused step_up_refused person true')
})

t.test('a sign-out with nobody\'s cookie names nobody, and is none', async (t) => {
  const { file, ACCESS_RECORD } = recordFile(t)
  const world = await startOwnWorld(t, { adapter: { ACCESS_RECORD, ...EACH } })
  await world.person().open(`${APP}/_auth/logout`, OWN_CLICK)
  await world.replicas[0]?.close()
  t.match(recordedIn(file), [
    { verdict: 'redirected', reason: 'signing_out', kind: 'nobody', user: undefined },
    { verdict: 'signed_out', reason: 'signed_out', kind: 'nobody', user: undefined }
  ])
})

t.test('Authgear\'s own session: sign-in and sign-out name its user', async (t) => {
  const { file, ACCESS_RECORD } = recordFile(t)
  const world = await startLoginWorld(t, { adapter: { ACCESS_RECORD, ...EACH } })
  const person = world.person()
  await world.signIn(person, last(await person.open(`${AUTHGEARS_APP}/first`)), 'alice')
  t.equal(last(await person.open(`${AUTHGEARS_APP}/_auth/logout`, OWN_CLICK)).status, 200)
  await world.verifier.close()
  const lines = recordedIn(file)
  const named = ofLogin(lines)
  t.strictSame(shown(named), ['signed_in sent_back person true', 'signed_out signing_out person true'])
  const opened = lines.find(({ path, verdict }) => path === '/first' && verdict === 'allowed')
  t.strictSame(named.map(({ session }) => session), [opened?.['session'], opened?.['session']])
  t.match(lines.filter(({ event }) => event !== undefined)[0], { origin: 'logout', target: 'credential' })
})
