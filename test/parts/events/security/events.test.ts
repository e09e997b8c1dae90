import t, { type Test } from 'tap'
import { APPS, EVENTS, openEvents } from '../../../helpers/event-stream.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'

const start = async (t: Test) =>
  await startInProcess(t, { ...EVENTS, AUTHGEAR_ENDPOINT: (await startSimulator(t)).url })
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]

t.test('sends nothing without a token of an app', async (t) => {
  const { eventsPort } = await start(t)
  const rows: ReadonlyArray<readonly [number, string, ReadonlyArray<HeaderLine>]> = [
    [401, '/events', []],
    [401, '/events', [bearer('')]],
    [401, '/events', [bearer(APPS.wiki.slice(1))]],
    [401, '/events', [bearer(`${APPS.wiki}x`)]],
    [401, '/events', [bearer(`wiki:${APPS.wiki}`)]],
    [401, '/events', [['Authorization', APPS.wiki]]],
    [401, '/events', [['Authorization', `Basic ${APPS.wiki}`]]],
    [401, '/events', [['X-Authorization', `Bearer ${APPS.wiki}`]]],
    [401, '/events', [['Cookie', `token=${APPS.wiki}`]]],
    [401, '/events', [bearer(demo.alice.accessToken)]],
    [401, '/events?app=grafana', [bearer(APPS.wiki)]],
    [401, '/events?app=grafana&app=wiki', [bearer(APPS.wiki)]],
    [400, `/events?token=${APPS.wiki}`, []],
    [400, `/events?access_token=${APPS.wiki}`, [bearer(APPS.wiki)]]
  ]
  for (const [status, path, headers] of rows) {
    const answer = await ask(eventsPort, { path, headers })
    t.equal(answer.status, status, `${path} ${JSON.stringify(headers)}`)
    t.notMatch(answer.body, APPS.wiki)
    const check = await ask(eventsPort, {
      method: 'POST', path: path.replace('/events', '/events/check'), headers, body: '{"sessions":[]}'
    })
    t.equal(check.status, status, `${path} of the check`)
  }
})

t.test('a proxy that asks here by mistake admits no request', async (t) => {
  const { eventsPort } = await start(t)
  const headers: HeaderLine[] = [['Cookie', `session=${demo.alice.cookie}`]]
  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT']) {
    for (const path of ['/', '/verify', '/ext-authz/', '/resource', '/identify', '/events', '/events/check', '//x']) {
      const { status } = await ask(eventsPort, { method, path, headers })
      t.ok(status >= 400, `${method} ${path}: ${status}`)
    }
  }
})

t.test('the listeners of proxies know nothing of events', async (t) => {
  const { port } = await start(t)
  t.equal((await ask(port, { path: '/events', headers: [bearer(APPS.wiki)] })).status, 404)
})

t.test('a place that is none, or of another time, is a reset and never a gap', async (t) => {
  const { eventsPort } = await start(t)
  const place = (await openEvents(t, eventsPort)).lastId() ?? ''
  const [secret = '', log = ''] = place.split('.')
  for (const after of [
    'x', '1-0', '%00', `${secret}.${log}.99999999999999-0`, `${secret}.${'0'.repeat(32)}.0-0`,
    `${'0'.repeat(16)}.${log}.0-0`, `${secret}.${log}.0-0.0-0`, 'a'.repeat(4000), `${secret}.${log}.-1-0`
  ]) {
    const stream = await openEvents(t, eventsPort, { after })
    t.equal(stream.events[0]?.event, 'reset', after.slice(0, 70))
    stream.close()
  }
})

t.test('what is sent to the check is bounded', async (t) => {
  const { eventsPort } = await start(t)
  const check = async (body: string): Promise<number> =>
    (await ask(eventsPort, { method: 'POST', path: '/events/check', headers: [bearer(APPS.wiki)], body })).status
  for (const body of ['', '{', '[]', '{"sessions":{}}', '{"sessions":[1]}', '{"sessions":[{"session":1}]}',
    '{"sessions":[{"session":"x","since":"1"}]}', '{"sessions":[{"session":"x","user":["u"]}]}']) {
    t.equal(await check(body), 400, body)
  }
  t.equal(await check(`{"sessions":["${'x'.repeat(256 * 1024)}"]}`), 413)
  const names = Array.from({ length: 1000 }, (_, n) => ({ session: `${n}`.padStart(200, '.'), since: 1 }))
  t.equal(await check(JSON.stringify({ sessions: names })), 200, 'the longest that fits')
})
