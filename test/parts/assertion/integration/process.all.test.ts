import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { freePort } from '../../../helpers/free-port.ts'
import { type Service, startProcess } from '../../../helpers/process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { type Answer, ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'

const PATH = '/.well-known/forward-auth/jwks.json'
const ISSUER = 'https://auth.example.com'
const ON = { ASSERTION: 'on', ASSERTION_ISSUER: ISSUER }
const CACHE_SECRET = 's'.repeat(32)

const header = ({ headers }: Answer): string => String(headers['x-forward-auth-assertion'])
const askAlice = (service: Service, path = '/verify'): Promise<Answer> =>
  ask(service.port, { path, headers: [['Authorization', `Bearer ${demo.alice.accessToken}`]] })
const get = async ({ managementUrl }: Service, path: string): Promise<Response> => await fetch(`${managementUrl}${path}`)

async function start (t: Test, env: Readonly<Record<string, string>>): Promise<Service> {
  const simulator = await startSimulator(t)
  return await startProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...env })
}

t.test('the first request after a start has an assertion that verifies', async (t) => {
  const redis = await startRedis(t)
  const service = await start(t, { ...ON, REDIS_URL: redis.url, REDIS_TIMEOUT: '1s', CACHE_SECRET })
  const first = await askAlice(service, '/verify?audience=grafana')
  t.equal(first.status, 200)
  const keys = createRemoteJWKSet(new URL(`${service.managementUrl}${PATH}`))
  const { payload } = await jwtVerify(header(first), keys, { issuer: ISSUER, audience: 'grafana' })
  t.match(payload, { sub: demo.alice.id, roles: ['admin', 'editor'] })
  t.equal((payload.exp ?? 0) - (payload.iat ?? 0), 75, 'iat is set back by 15 s')
  t.match(header(await askAlice(service)), /^[\w-]+\.[\w-]+\.[\w-]+$/)
  const nobody = await ask(service.port, { path: '/verify' })
  t.match(nobody, { status: 401 })
  t.match(await (await get(service, '/metrics')).text(), /^forward_auth_assertion_key_available 1$/m)
})

t.test('both listeners serve one key set', async (t) => {
  const service = await start(t, ON)
  const [main, management] = [await ask(service.port, { path: PATH }), await get(service, PATH)]
  t.equal(main.status, 200)
  t.equal(main.body, await management.text())
  t.match(main.headers, { 'cache-control': 'public, max-age=300', 'content-type': /^application\/json/ })
  t.equal(management.headers.get('cache-control'), 'public, max-age=300')
  t.equal((await fetch(`${service.managementUrl}${PATH}`, { method: 'HEAD' })).status, 200)
  t.match(await (await get(service, '/metrics')).text(),
    /forward_auth_requests_total\{endpoint="jwks",status="200",reason="key_set",source="none"\} 1/)
})

t.test('nothing is allowed by way of the key set', async (t) => {
  const service = await start(t, ON)
  /** Each as a proxy would ask it for nobody; 200 would allow everybody. */
  const paths = [
    `${PATH}/`, `${PATH}/x`, `/${PATH}`, PATH.toUpperCase(), `${PATH}%3f`, `${PATH}%00`, `${PATH};x`, `${PATH}#x`,
    '/.well-known/forward-auth/', '/.well-known/forward-auth', '/.well-known/', `/x/..${PATH}`, `/%2ewell-known${PATH}`,
    `/verify${PATH}`, `/verify/..${PATH}`, `/verify?${PATH}`, `/verify?/..${PATH}`, `/verify?x=${PATH}`,
    `/ext-authz${PATH}`, `/ext-authz/..${PATH}`, `/ext-authz/../..${PATH}`, `/ext-authz?${PATH}`, `/ext-authz/${PATH}`,
    `/ext-authz/%2e%2e${PATH}`, `/ext-authz/\\..${PATH}`, `/resource${PATH}`, `/_auth${PATH}`, `/webhook${PATH}`
  ]
  for (const path of paths) {
    const { status } = await ask(service.port, { path })
    t.ok(status >= 400, `${path}: ${status}`)
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    t.equal((await ask(service.port, { path: PATH, method })).status, 404, method)
  }
  const named = await ask(service.port, {
    path: '/verify', headers: [['X-Forwarded-Uri', PATH], ['X-Original-URL', PATH], ['X-Rewrite-URL', PATH]]
  })
  t.equal(named.status, 401)
})

t.test('the recipe for Node verifies it, and refuses the rest', async (t) => {
  const service = await start(t, ON)
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/assertion.md'), 'utf8')
  const [, recipe = ''] = /```js\n([^]*?)```/.exec(page) ?? []
  // inside the repository, so that it finds jose
  const file = join(import.meta.dirname, `../../../../.tap/recipe-${process.pid}.mjs`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, recipe.replace('http://forward-auth:4181', service.managementUrl))
  t.teardown(() => rmSync(file))
  const { userOf } = await import(file) as { userOf: (headers: object) => Promise<object> }
  const own = await askAlice(service, '/verify?audience=grafana')
  t.match(await userOf(own.headers), { sub: demo.alice.id })
  const token = header(own)
  const others = [
    header(await askAlice(service, '/verify?audience=gitea')), header(await askAlice(service)), '', `${token}x`,
    `${token.split('.').slice(0, 2).join('.')}.`
  ]
  for (const other of others) await t.rejects(userOf({ 'x-forward-auth-assertion': other }))
  await t.rejects(userOf({}))
})

t.test('without ASSERTION there is none of it', async (t) => {
  const service = await start(t, {})
  t.equal((await ask(service.port, { path: PATH })).status, 404)
  t.equal((await get(service, PATH)).status, 404)
  t.notOk('x-forward-auth-assertion' in (await askAlice(service)).headers)
  t.notMatch(await (await get(service, '/metrics')).text(), /forward_auth_assertion/)
})

t.test('Redis away: it starts and answers, with the header empty', async (t) => {
  const redisUrl = `redis://127.0.0.1:${await freePort()}`
  const service = await start(t, { ...ON, REDIS_URL: redisUrl, CACHE_SECRET })
  const answer = await askAlice(service)
  t.equal(answer.status, 200)
  t.equal(header(answer), '')
  t.equal((await ask(service.port, { path: PATH })).status, 503)
  t.equal((await get(service, PATH)).headers.get('cache-control'), 'no-store')
  t.match(service.logs(), /no key for assertions yet/)
})
