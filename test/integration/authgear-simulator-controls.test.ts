import t from 'tap'
import { backTo } from '../../deploy/demo/authgear-simulator/login-routes.mjs'
import { sendRaw } from '../helpers/raw-http.ts'
import { demo, type FailureMode, startSimulator } from '../helpers/simulator.ts'

const asking = (headers: string) => `GET /resolve HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`
const asAlice = asking(`Authorization: Bearer ${demo.alice.accessToken}`)
const byCookie = (cookie: string) => asking(`Cookie: session=${cookie}`)

type Answer = Awaited<ReturnType<typeof sendRaw>>
const value = (answer: Answer, name: string) => answer?.headers.find(([one]) => one.toLowerCase() === name)?.[1]
const userOf = (answer: Answer) => value(answer, 'x-authgear-user-id')

t.test('fails in every way asked for', async t => {
  const simulator = await startSimulator(t)
  const outcomes: readonly (readonly [FailureMode, number | undefined])[] = [
    ['error', 500],
    ['not-found', 404],
    ['method-not-allowed', 405],
    ['redirect', 302],
    ['silent', 200],
    ['no-user-id', 200],
    ['reset', undefined],
    ['half-answer', undefined],
    ['not-http', undefined],
    ['garbage-header', 200],
    ['huge-headers', 200]
  ]
  for (const [mode, status] of outcomes) {
    simulator.controls.fail(mode, 1)
    const answer = await sendRaw(simulator.port, asAlice).catch(() => undefined)
    t.equal(answer?.status, status, mode)
    t.not(userOf(answer), demo.alice.id, `${mode}: identifies nobody rightly`)
  }
  t.equal(userOf(await sendRaw(simulator.port, asAlice)), demo.alice.id, 'and answers again after that')
  t.throws(() => simulator.controls.fail('nonsense' as FailureMode), /no such failure/)
})

t.test('an endless body goes on until the client has had enough', async t => {
  const simulator = await startSimulator(t)
  simulator.controls.fail('endless-body', 1)
  const answer = await fetch(`${simulator.url}/resolve`)
  let read = 0
  for await (const chunk of answer.body ?? []) if ((read += (chunk as Uint8Array).length) > 200_000) break
  t.ok(read > 200_000)
})

t.test('fails the next two only, or until it recovers', async t => {
  const { controls, port } = await startSimulator(t)
  const status = async () => (await sendRaw(port, asAlice))?.status
  controls.fail('error', 2)
  t.strictSame([await status(), await status(), await status()], [500, 500, 200])
  controls.fail('error')
  t.strictSame([await status(), await status()], [500, 500])
  controls.recover()
  t.equal(await status(), 200)
})

t.test('a gate holds resolutions until it is released', async t => {
  const { controls, counters, port } = await startSimulator(t)
  const gate = controls.hold()
  const answers = [asAlice, asAlice, byCookie(demo.bob.cookie)].map(request => sendRaw(port, request))
  await gate.arrived(3)
  t.strictSame([gate.waiting, counters.parallel, counters.maxParallelPerSession], [3, 3, 2])
  gate.release()
  t.strictSame((await Promise.all(answers)).map(userOf), [demo.alice.id, demo.alice.id, demo.bob.id])
  t.equal(userOf(await sendRaw(port, asAlice)), demo.alice.id, 'a released gate holds nobody')
})

t.test('a gate after the reading lets out an answer that is stale by then', async t => {
  const { controls, port } = await startSimulator(t)
  const gate = controls.hold('after')
  const answer = sendRaw(port, asAlice)
  await gate.arrived(1)
  controls.disable('alice')
  gate.release()
  t.equal(userOf(await answer), demo.alice.id, 'fixed before she was disabled')
  t.equal(userOf(await sendRaw(port, asAlice)), undefined, 'the next one knows')
})

t.test('with the session lock the second request of one session ends in 500', async t => {
  const { controls, port } = await startSimulator(t)
  controls.sessionLock = true
  const gate = controls.hold('after')
  const first = sendRaw(port, asAlice)
  await gate.arrived(1)
  t.equal((await sendRaw(port, asAlice))?.status, 500)
  const bob = sendRaw(port, byCookie(demo.bob.cookie))
  await gate.arrived(2)
  gate.release()
  t.strictSame([userOf(await first), userOf(await bob)], [demo.alice.id, demo.bob.id])
})

t.test('counts resolutions, by credential too, and keeps the last request', async t => {
  const { counters, port } = await startSimulator(t)
  await sendRaw(port, asAlice)
  await sendRaw(port, asking('X-Odd: 1'))
  t.strictSame([counters.resolutions, counters.of(demo.alice.accessToken), counters.of('other'), counters.connections],
    [2, 1, 0, 2])
  t.strictSame(counters.lastRawHeaders, ['Host', 'localhost', 'X-Odd', '1'])
  t.equal(counters.lastUrl, '/resolve')
  counters.reset()
  t.strictSame([counters.resolutions, counters.of(demo.alice.accessToken), counters.maxParallel], [0, 0, 0])
})

t.test('users change while it runs', async t => {
  const { controls, port } = await startSimulator(t)
  t.equal(userOf(await sendRaw(port, byCookie(demo.dora.cookie))), undefined, 'dora is disabled from the start')
  controls.setRoles('alice', [])
  controls.setVerified('alice', false)
  const plain = await sendRaw(port, asAlice)
  t.strictSame([value(plain, 'x-authgear-user-roles'), value(plain, 'x-authgear-user-verified')], [undefined, 'false'])
  controls.disable('alice')
  controls.enable('alice')
  t.equal(userOf(await sendRaw(port, asAlice)), undefined, 'her old sessions do not come back')
  const { cookie, accessToken } = controls.signIn('alice')
  t.equal(userOf(await sendRaw(port, byCookie(cookie))), demo.alice.id)
  controls.revoke(cookie)
  t.equal(userOf(await sendRaw(port, byCookie(cookie))), undefined)
  t.equal(userOf(await sendRaw(port, asking(`Authorization: Bearer ${accessToken}`))), demo.alice.id,
    'one credential ends, not the other')
})

t.test('login page', async t => {
  const { url, port } = await startSimulator(t, { loginPath: '/demo-login' })
  const post = (path: string, fields: Record<string, string>, cookie = '') =>
    fetch(url + path, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields), headers: { cookie } })

  const page = await (await fetch(`${url}/demo-login?rd=/deep%3Fa=%26b`)).text()
  t.match(page, /value="alice">.*roles admin, editor/, 'lists the users')
  t.match(page, 'value="/deep?a=&#38;b"', 'escapes')
  t.equal((await post('/demo-login', { user: 'dora' })).status, 403, 'a disabled user cannot sign in')

  const signedIn = await post('/demo-login', { user: 'alice', rd: '/app' })
  t.strictSame([signedIn.status, signedIn.headers.get('location')], [303, '/app'])
  const cookie =
    /session=([^;]+); Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax/.exec(signedIn.headers.get('set-cookie') ?? '')?.[1] ??
    ''
  t.equal(userOf(await sendRaw(port, byCookie(cookie))), demo.alice.id, 'the resolver knows the cookie')
  t.match(await (await fetch(`${url}/demo-login`, { headers: { cookie: `session=${cookie}` } })).text(),
    /signed in as <strong>alice/)

  const signedOut = await post('/demo-login/logout', {}, `session=${cookie}`)
  t.match(signedOut.headers.get('set-cookie'), /^session=; Path=\/; Expires=Thu, 01 Jan 1970/)
  t.equal(userOf(await sendRaw(port, byCookie(cookie))), undefined, 'and knows it no more')
  t.equal(userOf(await sendRaw(port, asAlice)), demo.alice.id, 'her other sessions live on')
})

t.test('the way back from login stays on this site', async t => {
  for (const wanted of [
    '', 'x', 'https://evil.example', '//evil.example', '/\\evil.example', '/\t/evil.example', '/a b',
    '/.//evil.example', '/é'
  ]) {
    const way = backTo(wanted, '/login')
    t.notOk(new URL(way, 'http://here.example').host !== 'here.example', `${wanted} → ${way}`)
  }
  t.equal(backTo('/app?x=1', '/login'), '/app?x=1')
})

t.test('the controls over HTTP', async t => {
  const { url, port, counters } = await startSimulator(t, { control: true })
  const call = async (method: string, path: string, body?: unknown) => {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    return (await fetch(`${url}/__simulator${path}`, { method, ...init })).json() as Promise<Record<string, unknown>>
  }
  await call('POST', '/fail', ['error', 1])
  t.equal((await sendRaw(port, asAlice))?.status, 500)
  t.match(await call('PATCH', '/settings', { latency: 1, nonsense: 2 }), {
    latency: 1, sessionLock: false, outage: 'none'
  })
  await call('POST', '/hold', {})
  const held = sendRaw(port, asAlice)
  await call('GET', '/arrived/1')
  await call('POST', '/release', {})
  t.equal(userOf(await held), demo.alice.id)
  t.match(await call('GET', '/counters'), { resolutions: 2, maxParallel: 1 })
  t.strictSame(await call('GET', `/counters/${demo.alice.accessToken}`), { resolutions: 2 })
  const { cookie } = await call('POST', '/signIn', ['bob'])
  t.equal(userOf(await sendRaw(port, byCookie(String(cookie)))), demo.bob.id)
  t.match(await call('POST', '/hasOwnProperty', ['x']), { error: /no control/ })
  await call('DELETE', '/counters')
  t.equal(counters.resolutions, 0)
})

t.test('the controls are closed unless opened', async t => {
  const { url } = await startSimulator(t)
  t.equal((await fetch(`${url}/__simulator/counters`)).status, 404)
})
