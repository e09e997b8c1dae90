import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { adminEnvironment } from '../helpers/audit.ts'
import { freePort } from '../helpers/free-port.ts'
import { demo } from '../helpers/simulator.ts'
import { MANAGEMENT_TOKEN, NOBODY, startTwoReplicas } from '../helpers/two-replicas.ts'
import { until } from '../helpers/until.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')

type Ended = Readonly<{ code: unknown, out: string, err: string }>

/** `revoke`, without blocking the simulator of this process. */
async function revoke (env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
  const { NODE_V8_COVERAGE } = process.env
  const all = { ...NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }, ...env }
  const child = spawn(process.execPath, [MAIN, 'revoke', ...args], { env: all })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, out, err }
}

/** Two replicas, which follow no audit log, and what the command beside one of them is told. */
async function start (t: Test) {
  const { authgear, asked, askedWith, env, managementUrl } = await startTwoReplicas(t)
  const withoutAdmin = { ...env, MANAGEMENT_LISTEN: new URL(managementUrl).host }
  return { authgear, asked, askedWith, env: { ...withoutAdmin, ...adminEnvironment(authgear.url) }, withoutAdmin }
}

t.test('logs a user out at Authgear and on all replicas', async (t) => {
  const { authgear, asked, env } = await start(t)
  const [alice, bob] = [authgear.controls.signIn('alice'), authgear.controls.signIn('bob')]
  t.strictSame([await asked(alice.cookie), await asked(bob.cookie)], [[200, 200], [200, 200]])
  const { code, out, err } = await revoke(env, '--user', demo.alice.id)
  t.equal(code, 0, err)
  t.match(out, /^Authgear: ended\nthis service: ended\nThe user can sign in again/)
  await until('both refuse', async () => (await asked(alice.cookie)).every((status) => status === 401))
  t.strictSame(await asked(bob.cookie), [200, 200])
})

t.test('does both halves, though nobody reads what it says', async (t) => {
  const { authgear, asked, env } = await start(t)
  const { cookie } = authgear.controls.signIn('alice')
  t.strictSame(await asked(cookie), [200, 200])
  const child = spawn(process.execPath, [MAIN, 'revoke', '--user', demo.alice.id], { env })
  child.stdout.destroy()
  const [err, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  t.strictSame([code, err], [0, ''])
  await until('both refuse', async () => (await asked(cookie)).every((status) => status === 401))
})

t.test('with a session ends all that it began, or says how long that may go on', async (t) => {
  const { authgear, asked, askedWith, env } = await start(t)
  for (const args of [[], ['--ended']]) {
    const { cookie, accessToken } = authgear.controls.signIn('alice')
    t.strictSame([await asked(cookie), await askedWith(accessToken)], [[200, 200], [200, 200]])
    const session = cookie.split('.')[0] ?? ''
    if (args.length > 0) authgear.controls.endSession(session)
    const { code, out, err } = await revoke(env, '--session', session, ...args)
    t.equal(code, 0, err)
    const goesOn = /that it began may continue for 600 s \(CACHE_TTL\): revoke --user ID --ended prevents it/.test(out)
    t.equal(goesOn, args.length > 0, out)
    await until('both refuse the cookie', async () => (await asked(cookie)).every((status) => status === 401))
    const left = goesOn ? 200 : 401
    await until('the token', async () => (await askedWith(accessToken)).every((status) => status === left))
  }
})

t.test('says which half failed, and does the other', async (t) => {
  const { authgear, env, withoutAdmin } = await start(t)
  const refused = 'AUTHGEAR_ADMIN_API_URL is not set'
  t.match(await revoke(withoutAdmin, '--user', demo.alice.id), { code: 1, out: '', err: new RegExp(refused) })
  t.match(await revoke(withoutAdmin, '--user', demo.alice.id, '--ended'), { code: 0, out: /^this service: ended\n/ })
  t.match(await revoke(env, '--user', NOBODY), { code: 1, out: /^this service: ended/, err: /Authgear: it has no such/ })
  t.match(await revoke(env, '--session', NOBODY), { code: 1, err: /Authgear: it has no such session/ })
  t.match(await revoke(env, '--client', 'a-machine'), { code: 0, out: /^this service: ended\nThe client can get/ })
  const alone = { ...env, MANAGEMENT_LISTEN: `127.0.0.1:${await freePort()}` }
  t.match(await revoke(alone, '--user', demo.bob.id), { code: 1, out: /^Authgear: ended/, err: /service: .*REFUSED/ })
  t.match(await revoke({ ...env, MANAGEMENT_TOKEN: 'x'.repeat(20) }, '--client', 'a'), { code: 1, err: /another MANAGE/ })
  t.match(await revoke(env, '--client', 'x'.repeat(300)), { code: 1, err: /service: it does not take this id/ })
  authgear.controls.audit.fail('forbidden')
  t.match(await revoke(env, '--user', demo.alice.id), { code: 1, err: /Authgear: .*403/ })
})

t.test('refuses what it cannot understand before it changes anything', async (t) => {
  const env = { AUTHGEAR_ENDPOINT: 'https://a.example', MANAGEMENT_TOKEN, MANAGEMENT_LISTEN: 'off' }
  for (const [args, why] of [
    [[], /name one of --user ID/],
    [['--user', 'a', '--client', 'b'], /name one of/],
    [['--session', 'not-a-session'], /--session: "not-a-session" is not the id of a session/],
    [['--client', ''], /--client: "" is not/],
    [['--user', 'abc '], /--user: "abc " is not the id of a user/],
    [['--client', ' abc'], /--client: " abc" is not/],
    [['--client', 'a'], /MANAGEMENT_LISTEN is off/],
    [['alice'], /revoke takes --user ID/]
  ] as const) t.match(await revoke(env, ...args), { code: 1, out: '', err: why })
})
