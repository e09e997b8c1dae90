import t, { type Test } from 'tap'
import {
  APP, WIKI, isCallback, isOnTheWayBack, otherClient, parameterOf, sessionCookie, sessionsSet, startOwnWorld,
  type OwnWorld
} from '../../../helpers/own-session-world.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { ask } from '../../../helpers/request.ts'

/** Goes as far as Authgear's answer, and not to the callback: the address that an attacker keeps. */
async function callbackUrl (world: OwnWorld, person: Person, user: string, page = `${APP}/`): Promise<string> {
  const first = await person.open(page, { until: isOnTheWayBackWithCode })
  const at = last(first)
  const hops = at.url.startsWith(`${world.relay.url}/login-page`)
    ? await person.send(at.url, { user }, { until: isOnTheWayBackWithCode })
    : first
  return new URL(String(last(hops).headers['location']), last(hops).url).href
}

const isOnTheWayBackWithCode = (hop: Hop): boolean =>
  isOnTheWayBack(hop) && new URL(String(hop.headers['location']), hop.url).searchParams.has('code')

/** Where the login of a browser has its state, without going to Authgear. */
async function stateOf (person: Person, page = `${APP}/_auth/login?rd=${APP}/`): Promise<string> {
  const hops = await person.open(page, { until: ({ url }) => url.includes('/_auth/login') })
  return new URL(String(last(hops).headers['location'])).searchParams.get('state') ?? ''
}

const callback = (parameters: Readonly<Record<string, string>>, origin = APP): string =>
  `${origin}/_auth/callback?${new URLSearchParams(parameters).toString()}`

/** Nobody was let in there, by whatever page or redirect it ended, and no session was handed out. */
function isNobody (t: Test, hops: readonly Hop[], who: string, what: string): void {
  t.notMatch(who, /^(?:alice|bob|anonymous|dora|an unknown)/, `${what}: lets nobody in`)
  t.strictSame(sessionsSet(hops), [], `${what}: no cookie`)
  t.ok(hops.every(({ status }) => status !== 500 && status !== 502), `${what}: no error of ours`)
}

t.test('a way back that is whole signs in, so the attacks below have something to break', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const hops = await person.open(await callbackUrl(world, person, 'alice', `${APP}/deep?a=1&b=2`))
  t.equal(last(hops).url, `${APP}/deep?a=1&b=2`)
  t.equal(await world.who(person), 'alice')
  t.equal(sessionsSet(hops).length, 1)
  const at = hops.find(isCallback)
  t.match(at?.headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  t.ok((at?.status ?? 0) >= 302 && (at?.status ?? 0) <= 303, 'the address with the code shows no page')
})

/** @param victim was never at Authgear */
const OF_ANOTHER: ReadonlyArray<readonly [
  what: string,
  attack: (world: OwnWorld, victim: Person, attacker: Person) => Promise<string>
]> = [
  ['login CSRF: the whole address of another browser', (world, _, attacker) => callbackUrl(world, attacker, 'bob')],
  ['login CSRF while a login of its own is under way', async (world, victim, attacker) => {
    await stateOf(victim)
    return callbackUrl(world, attacker, 'bob')
  }],
  ['its own state with the code of another browser', async (world, victim, attacker) => {
    const code = parameterOf({ url: await callbackUrl(world, attacker, 'bob') }, 'code')
    return callback({ state: await stateOf(victim), code })
  }],
  ['the state of another browser with that browser\'s code, at another host', async (world, victim, attacker) => {
    const url = new URL(await callbackUrl(world, attacker, 'bob'))
    await stateOf(victim, `${WIKI}/_auth/login?rd=${WIKI}/`)
    return `${WIKI}/_auth/callback${url.search}`
  }],
  ['a state that is two', async (world, victim, attacker) => {
    const url = new URL(await callbackUrl(world, attacker, 'bob'))
    url.searchParams.append('state', await stateOf(victim))
    return url.href
  }],
  ['a state that is two, its own first', async (world, victim, attacker) => {
    const code = parameterOf({ url: await callbackUrl(world, attacker, 'bob') }, 'code')
    return `${callback({ state: await stateOf(victim), code })}&state=${await stateOf(attacker)}`
  }],
  ['no state', async (world, _, attacker) => {
    const url = new URL(await callbackUrl(world, attacker, 'bob'))
    url.searchParams.delete('state')
    return url.href
  }],
  ['a state with one character changed', async (world, _, attacker) => {
    const url = new URL(await callbackUrl(world, attacker, 'bob'))
    const state = url.searchParams.get('state') ?? ''
    url.searchParams.set('state', `${state.slice(0, 20)}${state[20] === 'A' ? 'B' : 'A'}${state.slice(21)}`)
    return url.href
  }],
  ['a state that is long', async (_, victim) =>
    callback({ state: `${await stateOf(victim)}${'A'.repeat(7000)}`, code: 'x' })],
  ['a code that is long', async (_, victim) => callback({ state: await stateOf(victim), code: 'x'.repeat(7000) })],
  ['a code with line ends', async (_, victim) =>
    callback({ state: await stateOf(victim), code: 'x\r\nset-cookie: __Host-forward-auth=x' })],
  ['no code and no error', async (_, victim) => callback({ state: await stateOf(victim) })],
  ['a code and an error', async (world, victim, attacker) => callback({
    state: await stateOf(victim),
    code: parameterOf({ url: await callbackUrl(world, attacker, 'bob') }, 'code'),
    error: 'login_required'
  })],
  ['tokens in the address', async (world, victim, attacker) => {
    await world.signIn(attacker, `${APP}/`, 'bob')
    const { answer } = world.relay.calls.at(-1) ?? { answer: {} }
    const members = Object.entries(answer).map(([name, value]) => [name, String(value)])
    return callback({ state: await stateOf(victim), ...Object.fromEntries(members) })
  }]
]

for (const [what, attack] of OF_ANOTHER) {
  t.test(`no login by ${what}`, async (t) => {
    const world = await startOwnWorld(t)
    const [victim, attacker] = [world.person(), world.person()]
    const url = await attack(world, victim, attacker)
    const hops = await victim.open(url)
    isNobody(t, hops, await world.who(victim, new URL(url).origin), what)
  })
}

t.test('no login of another where the victim is signed in: it stays signed in as itself', async (t) => {
  const world = await startOwnWorld(t)
  const [victim, attacker] = [world.person(), world.person()]
  await world.signIn(victim, `${APP}/`, 'alice')
  await victim.open(await callbackUrl(world, attacker, 'bob'))
  t.equal(await world.who(victim), 'alice')
})

t.test('a callback URL works only once', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const url = await callbackUrl(world, person, 'alice')
  await person.open(url)
  const value = sessionCookie(person)
  const calls = world.relay.calls.length

  t.test('Back in the same browser goes on to the page, by the same session', async (t) => {
    const hops = await person.open(url)
    t.equal(last(hops).status, 200)
    t.equal(await world.who(person), 'alice')
    t.equal(sessionCookie(person), value)
    t.equal(world.relay.calls.length, calls, 'nobody asked Authgear for tokens')
  })
  t.test('another browser that has the address gets nothing', async (t) => {
    const thief = world.person()
    const hops = await thief.open(url)
    isNobody(t, hops, await world.who(thief), 'replayed')
  })
  t.test('nor does the same browser after signing out', async (t) => {
    await person.open(`${APP}/_auth/logout`)
    const hops = await person.open(url)
    isNobody(t, hops, await world.who(person), 'replayed after signing out')
    t.match(await world.byCookie(value ?? ''), /^401/)
  })
})

t.test('ten callbacks with one code make one session', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const url = await callbackUrl(world, person, 'alice')
  const all = await Promise.all(Array.from({ length: 10 }, () => person.open(url, { until: isCallback })))
  t.ok(sessionsSet(all.flat()).length <= 1, 'at most one cookie')
  const redeemed = world.relay.calls.filter(({ form }) => form['grant_type'] === 'authorization_code')
  t.equal(redeemed.length, 1, 'Authgear answers several of a code that is redeemed at once')
})

/** What no page that a person opens looks like. */
const NOT_A_PAGE: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
  ['prefetched', { 'sec-purpose': 'prefetch;prerender' }],
  ['in a frame', { 'sec-fetch-dest': 'iframe' }],
  ['as an image', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
  ['by a script', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }]
]

for (const [what, headers] of NOT_A_PAGE) {
  t.test(`a callback ${what} redeems no code`, async (t) => {
    const world = await startOwnWorld(t)
    const person = world.person()
    const url = await callbackUrl(world, person, 'alice')
    const hops = await person.open(url, { headers, until: () => true })
    isNobody(t, hops, await world.who(person), what)
    t.equal(world.relay.calls.length, 0)
    await person.open(url)
    t.equal(await world.who(person), 'alice', 'and the page itself still can')
  })
}

t.test('rejects a code of another client', async (t) => {
  // recorded: any client may redeem a code, and a confidential one needs no PKCE
  const other = otherClient({ type: 'confidential', secret: 'the secret of the other client' })
  const world = await startOwnWorld(t, { otherClients: [other] })
  const session = `session=${world.authgear.controls.signIn('bob').cookie}`
  const attacker = world.person()
  const codeBy = async (more: Readonly<Record<string, string>>): Promise<string> => {
    const query = new URLSearchParams({
      client_id: 'other',
      response_type: 'code',
      scope: 'openid offline_access',
      redirect_uri: `${APP}/_auth/callback`,
      prompt: 'none',
      state: 'x',
      ...more
    })
    const hops = await attacker.open(`${world.relay.url}/oauth2/authorize?${query.toString()}`, {
      headers: { cookie: session }, until: isOnTheWayBack
    })
    return new URL(String(last(hops).headers['location'])).searchParams.get('code') ?? ''
  }
  for (const [what, more] of [
    ['without PKCE and nonce', {}],
    ['without PKCE, with a nonce', { nonce: 'of-the-attacker' }],
    ['without PKCE, with an empty nonce', { nonce: '' }]
  ] as const) {
    const victim = world.person()
    const code = await codeBy(more)
    t.not(code, '')
    const hops = await victim.open(callback({ state: await stateOf(victim), code }))
    isNobody(t, hops, await world.who(victim), what)
  }
})

t.test('mix-up: an answer that names another issuer is none', async (t) => {
  const world = await startOwnWorld(t)
  for (const iss of ['https://evil.example', '', `${world.relay.url}/`, `${world.relay.url}.evil.example`]) {
    const person = world.person()
    const url = `${await callbackUrl(world, person, 'alice')}&iss=${encodeURIComponent(iss)}`
    const hops = await person.open(url, { until: isCallback })
    isNobody(t, hops, await world.who(person), `iss=${iss}`)
  }
  t.equal(world.relay.calls.length, 0, 'and its code is sent to nobody (RFC 9207, section 2.4)')
})

t.test('a state that was sealed under a secret that is gone begins no session', async (t) => {
  const world = await startOwnWorld(t)
  const secrets = { old: undefined, both: 'LOGIN_SECRET_PREVIOUS', gone: undefined } as const
  const renewed = { LOGIN_SECRET: 'the login secret after its rotation' }
  const both = await world.start({ ...renewed, [secrets.both]: 'another secret of the tests, 32 B' })
  const without = await world.start(renewed)
  let replica = world.replicas[0]
  const through = (): Person => world.person(() => replica ?? both)
  const [lucky, late] = [through(), through()]
  const urls = [await callbackUrl(world, lucky, 'alice'), await callbackUrl(world, late, 'alice')] as const
  replica = both
  await lucky.open(urls[0], { until: isCallback })
  t.equal(await world.who(lucky, APP, both), 'alice', 'a login under way goes on while the secret is rotated')
  replica = without
  const hops = await late.open(urls[1], { until: isCallback })
  isNobody(t, hops, await world.who(late, APP, without), 'sealed under a secret that is gone')
})

t.test('a state that is older than a login may take begins no session', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const url = await callbackUrl(world, person, 'alice')
  world.clock.advance(10 * 60_000 + 1000)
  const hops = await person.open(url, { until: isCallback })
  isNobody(t, hops, await world.who(person), 'late')
})

t.test('a callback at another host than the login\'s is none', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const url = new URL(await callbackUrl(world, person, 'alice'))
  await stateOf(person, `${WIKI}/_auth/login?rd=${WIKI}/`)
  const hops = await person.open(`${WIKI}/_auth/callback${url.search}`, { until: isCallback })
  isNobody(t, hops, await world.who(person, WIKI), 'the state of the other host')
})

t.test('HEAD and POST redeem no code', async (t) => {
  const world = await startOwnWorld(t)
  const person = world.person()
  const url = new URL(await callbackUrl(world, person, 'alice'))
  const cookie = ['Cookie', person.cookies(url.host)] as const
  const form = ['Content-Type', 'application/x-www-form-urlencoded'] as const
  const { port = 0 } = world.replicas[0] ?? {}
  for (const [method, path, body] of [
    ['HEAD', `${url.pathname}${url.search}`, ''],
    ['POST', `${url.pathname}${url.search}`, ''],
    ['POST', url.pathname, url.search.slice(1)]
  ] as const) {
    const { status, headers } = await ask(port, { method, path, body, host: url.host, headers: [cookie, form] })
    t.ok(status >= 400 && status < 500, `${method} ${status}`)
    t.notOk('set-cookie' in headers)
  }
  t.equal(world.relay.calls.length, 0)
})
