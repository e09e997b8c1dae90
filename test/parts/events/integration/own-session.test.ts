import t from 'tap'
import { EVENTS, openEvents } from '../../../helpers/event-stream.ts'
import { APP, cookieOf, startOwnWorld } from '../../../helpers/own-world.ts'

t.test('a session of our own', async (t) => {
  const { authgear, signedIn, verify, tokens, replicas: [replica] } = await startOwnWorld(t, {
    adapter: { LOGIN_SESSION: 'own', CACHE_TTL: 0, ...EVENTS }
  })
  const nameOf = async (cookie: string): Promise<string> =>
    String((await verify(cookie)).headers['x-forward-auth-session'])
  const person = await signedIn()
  const name = await nameOf(cookieOf(person, APP))
  t.match(name, /^[\w-]{22}\.[\w-]{22}$/, "its cookie's, and Authgear's id of it")

  t.test('is reported as ended when its user signs out', async (t) => {
    const stream = await openEvents(t, replica?.eventsPort ?? 0)
    await person.open(`${APP}/_auth/logout`)
    await stream.until('told', ({ data }) => name.split('.').includes(String(data['session'])))
  })

  t.test('keeps its name when its access token is refreshed, and nobody else has it', async (t) => {
    const [one, other] = [await signedIn(), await signedIn('bob')]
    const [cookie, name] = [cookieOf(one, APP), await nameOf(cookieOf(one, APP))]
    const { accessTokens: { length: before } } = tokens()
    authgear.controls.expireAccessTokens()
    t.equal(await nameOf(cookie), name)
    t.ok(tokens().accessTokens.length > before, 'it was')
    const names = name.split('.')
    t.notOk((await nameOf(cookieOf(other, APP))).split('.').some((part) => names.includes(part)))
  })
})
