import type { Test } from 'tap'
import { AUTHGEAR_HEADERS } from '../../helpers/identity.ts'
import { ask, type Answer, type HeaderLine } from '../../helpers/request.ts'
import { startBefore, type Before } from '../one-replica.ts'
import type { Proxy } from '../proxy.ts'
import { RECIPES } from '../recipes.ts'
import { shipped, type Case } from './case.ts'

const ORIGIN: HeaderLine = ['Origin', 'https://www.example.com']
const ASKS: HeaderLine = ['Access-Control-Request-Method', 'POST']
const RESPELLINGS: ReadonlyArray<(name: string) => string> = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.replaceAll('-', '_')
]
const SPOOFED = RESPELLINGS.flatMap((respell) => AUTHGEAR_HEADERS.map((name): HeaderLine => [respell(name), 'spoofed']))

export const recipes: readonly Case[] = [{
  name: 'the recipes of its page for public paths, preflights and CORS',
  only: shipped,
  async run (t, stack, proxy) {
    const before = await startBefore(t, proxy, await stack.single(), {
      edits: RECIPES[proxy.server] ?? {}, options: ['--no-login']
    })
    await t.test('a public path is public, and nothing beside it', async t => testPublic(t, before, proxy.facts))
    await t.test('a true preflight is answered, and no other OPTIONS', async t => testPreflight(t, before))
    await t.test('another origin can read a refusal, if it is the one that is named', async t => testCors(t, before))
  }
}]

async function testPublic (t: Test, { port, app }: Before, { hidesOwnCookie }: Proxy['facts']): Promise<void> {
  const cookies: HeaderLine = ['Cookie', 'a=1; __Host-forward-auth=session']
  t.equal((await ask(port, { path: '/public/page', headers: [...SPOOFED, cookies] })).status, 200)
  t.strictSame(app.lastHeader('cookie'), [hidesOwnCookie ? 'a=1' : cookies[1]])
  t.equal(app.received.length, 1)
  t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'))
  // nginx adds the slash to /public itself
  for (const path of [
    '/publicity', '/public', '/x/public/', '/public/../admin', '/public/%2e%2e/admin', '/public/..%2fadmin', '/page',
    '/page?x=/public/page', '/page/public/page'
  ]) {
    t.ok([301, 400, 401].includes((await ask(port, { path })).status), path)
  }
  t.equal(app.received.length, 1)
}

async function testPreflight (t: Test, { port, app }: Before): Promise<void> {
  const options = (headers: readonly HeaderLine[]): Promise<Answer> =>
    ask(port, { method: 'OPTIONS', path: '/page', headers: [...headers, ...SPOOFED] })
  t.ok([200, 204].includes((await options([ORIGIN, ASKS])).status), 'from the app or the proxy')
  t.notOk(app.received.at(-1)?.rawHeaders.includes('spoofed'))
  const before = app.received.length
  t.equal((await options([])).status, 401)
  t.equal((await options([ORIGIN])).status, 401)
  t.equal((await options([ASKS])).status, 401)
  t.equal((await options([['Origin', 'a b c']])).status, 401)
  t.equal(
    (await ask(port, { method: 'POST', path: '/page', headers: [ORIGIN, ASKS] })).status, 401, 'nor any other method'
  )
  t.equal(app.received.length, before)
}

async function testCors (t: Test, { port }: Before): Promise<void> {
  const answer = await ask(port, { headers: [ORIGIN] })
  t.match(answer, {
    status: 401, headers: { 'access-control-allow-origin': ORIGIN[1], 'access-control-allow-credentials': 'true' }
  })
  // a step-up's max_age, and for MCP clients where they get a token; the id that the log has
  const exposed = String(answer.headers['access-control-expose-headers'] ?? '').toLowerCase().split(/, */)
  for (const name of ['www-authenticate', 'x-request-id']) t.ok(exposed.includes(name), `a script may read ${name}`)
  const other = await ask(port, { headers: [['Origin', 'https://evil.example.com']] })
  t.equal(other.status, 401)
  t.notOk('access-control-allow-origin' in other.headers)
}
