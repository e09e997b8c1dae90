import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { check } from '../../src/commands/check.ts'
import { redisAt, startInProcess } from '../helpers/in-process.ts'
import { adminApi, auditEnvironment, PRIVATE_KEY } from '../helpers/audit.ts'
import { visit } from '../helpers/doctor.ts'
import { jwt } from '../helpers/jwt.ts'
import { startRedis, type RedisServer } from '../helpers/redis.ts'
import { ask, type Answer, type HeaderLine } from '../helpers/request.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { startSimulator, type FailureMode, type RunningSimulator } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { canary, leaksIn } from './helpers/canary.ts'

const MAIN = join(import.meta.dirname, '../../dist/main.js')

/** What a client, an operator or a proxy knows, and nobody may read anywhere. */
const SECRETS = {
  bearer: canary('bearer'),
  session: `${canary('sid', 36)}.${canary('session')}`,
  appSession: canary('appsession'),
  appAccessToken: canary('apptoken'),
  junk: canary('junk'),
  jwt: canary('jwt', 60),
  cacheSecret: canary('cache', 48),
  redisPassword: canary('redis'),
  webhookSecret: canary('webhook'),
  managementToken: canary('management', 48),
  loginSecret: canary('login', 48),
  cacheSecretBefore: canary('cachebefore', 48),
  webhookSecretBefore: canary('webhookbefore'),
  loginSecretBefore: canary('loginbefore', 48)
}
/** What Authgear says of a person: the app's business, and in no log or metric. */
const IDENTITY = { userId: canary('user', 36), role: canary('role') }

const { bearer, session, appSession, appAccessToken, junk } = SECRETS
const authorization = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]
const cookie = (pairs: string): HeaderLine => ['Cookie', pairs]
const EXPIRED = jwt({ sub: IDENTITY.userId, exp: 1, jti: SECRETS.jwt })

const FAILURES: readonly FailureMode[] = [
  'error', 'not-found', 'method-not-allowed', 'redirect', 'silent', 'no-user-id', 'reset', 'half-answer', 'hang',
  'not-http', 'garbage-header', 'huge-headers', 'endless-body'
]

const REQUESTS: ReadonlyArray<readonly [what: string, status: number, headers: readonly HeaderLine[], query?: string]> =
  [
    ['a bearer token', 200, [authorization(bearer)]],
    ['a session cookie', 200, [cookie(`session=${session}`)]],
    ['an app_session cookie', 200, [cookie(`app_session=${appSession}`)]],
    ['an app_access_token cookie', 200, [cookie(`app_access_token=${appAccessToken}`)]],
    ['a junk token', 401, [authorization(junk)]],
    ['a junk cookie', 401, [cookie(`session=${junk}; app_session=${junk}; app_access_token=${junk}`)]],
    ['two Authorization lines', 401, [authorization(bearer), authorization(junk)]],
    ['a token with a comma', 401, [authorization(`${bearer},${junk}`)]],
    ['a cookie that is too long', 401, [cookie(`session=${junk.repeat(50)}`)]],
    ['an expired token', 401, [authorization(EXPIRED)]],
    ['nobody', 401, [['User-Agent', junk], ['X-Forwarded-For', junk], ['X-Request-ID', `<${junk}>`]]],
    ['a role that is not theirs', 403, [authorization(bearer)], '?role=x'],
    ['a policy that is none', 403, [authorization(bearer)], `?x=${junk}&role=${junk}`],
    ['a policy header that is none', 403, [authorization(bearer), ['X-Forward-Auth-Policy', junk]]],
    ['a step-up', 401, [authorization(bearer)], '?amr=mfa'],
    ['Basic', 401, [['Authorization', `Basic ${junk}`]]]
  ]

t.test('no output holds a secret, whatever happens', async (t) => {
  const [authgear, redis] = await Promise.all([startSimulator(t), startRedis(t, { password: SECRETS.redisPassword })])
  authgear.controls.addUser({
    id: IDENTITY.userId,
    name: 'canary',
    roles: [IDENTITY.role],
    sessions: [{ accessTokens: [bearer, appAccessToken], cookie: session, appSession }]
  })
  const env = environment(authgear, redis.port)
  const service = await startProcess(t, env)
  await until('Redis is used', async () =>
    (await ask(managementPort(service), { path: '/readyz' })).body.includes('"redis":"up"')
  )

  await t.test('the answers of /verify', async (t) => await requests(t, service, authgear))
  await t.test('what Redis holds, and how', async (t) => await contents(t, redis))
  await t.test('webhook and purge', async (t) => await revocations(t, service))
  await t.test('the login', async (t) => {
    await until('Authgear is asked again after its failures',
      async () => (await told(t, service, [cookie(`session=${session}`)])).status === 200)
    await login(t, service)
  })
  await t.test('while Redis is down', async (t) => {
    await until('Authgear is asked again after its failures',
      async () => (await told(t, service, [authorization(bearer)])).status === 200)
    await redis.stop()
    for (const [what, status, headers, query] of REQUESTS) {
      t.equal((await told(t, service, headers, query)).status, status, what)
    }
    t.equal((await webhook(service, event('later'), true)).status, 503)
  })
  await t.test('the management listener', async (t) => {
    for (const path of ['/livez', '/readyz', '/metrics', '/', '/status.json', '/status.js', `/${junk}`]) {
      for (const host of ['127.0.0.1', junk]) {
        safe(t, path, JSON.stringify(await ask(managementPort(service), { path, host })))
      }
    }
    t.match(await ask(managementPort(service), { path: '/', host: '127.0.0.1' }), {
      status: 200, body: /Requests by decision/
    })
  })
  await service.stop()
  t.match(service.logs(), /"level":"debug"/, 'the log is verbose')
  t.match(service.logs(), /"credential":"[0-9a-f]{8}"/)
  safe(t, 'the log', service.logs())
})

async function requests (t: Test, service: Service, authgear: RunningSimulator): Promise<void> {
  for (const round of ['asked', 'remembered']) {
    for (const [what, status, headers, query] of REQUESTS) {
      t.equal((await told(t, service, headers, query)).status, status, `${what}, ${round}`)
    }
  }
  for (const [i, failure] of FAILURES.entries()) {
    authgear.controls.fail(failure)
    for (const accept of ['text/html', '*/*']) {
      const answer = await told(t, service, [
        cookie(`session=${junk}${i}; app_session=${bearer}`),
        authorization(`${junk}${accept.length}${i}`),
        ['Accept', accept]
      ])
      t.ok([302, 401, 503].includes(answer.status), `${failure}: ${answer.status}`)
    }
    authgear.controls.recover()
  }
}

/** Asks and looks at the whole answer; a 200 names the person, and nothing else does. */
async function told (t: Test, { port }: Service, headers: readonly HeaderLine[], query = ''): Promise<Answer> {
  const answer = await ask(port, { path: `/verify${query}`, headers })
  t.same(leaksIn(JSON.stringify(answer), answer.status === 200 ? SECRETS : { ...SECRETS, ...IDENTITY }), [])
  return answer
}

/** Everything sealed travels through the browser, and tells nothing there. */
async function login (t: Test, { port }: Service): Promise<void> {
  const open = async (path: string, status: number, ...pairs: string[]): Promise<Answer> => {
    const answer = await ask(port, {
      path, headers: [['Sec-Fetch-Mode', 'navigate'], ['Accept', 'text/html'], cookie(pairs.join('; '))]
    })
    t.equal(answer.status, status, path.slice(0, 20))
    safe(t, path, JSON.stringify(answer))
    return answer
  }
  const mine = `session=${session}`
  const begun = await open(`/_auth/login?rd=https://app.example.com/${junk.slice(0, 3)}`, 302, mine)
  const state = new URL(begun.headers.location ?? '').searchParams.get('state') ?? ''
  const kept = begun.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  await open(`/_auth/callback?state=${state}`, 303, mine, kept)
  await open(`/_auth/callback?state=${junk}`, 400, mine, kept)
  await open(`/_auth/callback?error=${junk}&error_description=${junk}&state=${state}`, 302, mine)
  await open('/_auth/login', 302, `__Host-forward-auth-login=${junk}`)
  const out = await open('/_auth/logout', 302, mine)
  await open('/_auth/logged-out', 200, mine, out.headers['set-cookie']?.[0]?.split(';')[0] ?? '')
  await open('/_auth/logout', 302, `session=${junk}`)
}

/** The log of revocations names users in clear (docs/security.md); nothing else in Redis says who, or by what. */
async function contents (t: Test, redis: RedisServer): Promise<void> {
  let names: readonly string[] = []
  await until('entries are there', async () => {
    names = await redis.cli('KEYS', '*') as string[]
    return names.filter((name) => name.endsWith(':entry')).length >= 4
  })
  for (const name of names) {
    const type = await redis.cli('TYPE', name)
    const value =
      type === 'stream'
        ? await redis.cli('XRANGE', name, '-', '+')
        : type === 'hash' ? await redis.cli('HGETALL', name) : await redis.cli('GET', name)
    t.same(leaksIn(name + JSON.stringify(value) + String(await redis.cli('DUMP', name)), { ...SECRETS, ...IDENTITY }),
      [], name.slice(-12))
  }
}

async function revocations (t: Test, service: Service): Promise<void> {
  t.equal((await webhook(service, event('one'), true)).status, 204)
  t.equal((await webhook(service, event('two'), false)).status, 401)
  t.equal((await webhook(service, junk, true)).status, 400)
  const purges: ReadonlyArray<readonly [body: unknown, token: string, status: number]> = [
    [{ user_id: IDENTITY.userId }, SECRETS.managementToken, 200],
    [{ authorization: `Bearer ${bearer}` }, SECRETS.managementToken, 200],
    [{ cookie: `session=${session}` }, SECRETS.managementToken, 200],
    [{ all: true }, SECRETS.managementToken, 200],
    [{ [junk]: bearer }, SECRETS.managementToken, 400],
    [{ authorization: bearer }, SECRETS.managementToken, 400],
    [{ all: true }, junk, 401],
    [{ user_id: IDENTITY.userId }, `${SECRETS.managementToken}x`, 401]
  ]
  for (const [body, token, status] of purges) {
    const answer = await ask(managementPort(service), {
      method: 'POST',
      path: '/revocations',
      headers: [authorization(token), ['Content-Type', 'application/json']],
      body: JSON.stringify(body)
    })
    t.equal(answer.status, status)
    safe(t, 'its answer', JSON.stringify(answer))
  }
  const broken = await ask(managementPort(service), {
    method: 'POST',
    path: '/revocations',
    headers: [authorization(SECRETS.managementToken), ['Content-Type', 'application/json']],
    body: `{"authorization": "${bearer}"`
  })
  t.equal(broken.status, 400)
  safe(t, 'what it says of JSON that is none', JSON.stringify(broken))
}

const event = (id: string): string =>
  JSON.stringify({ id, type: 'user.disabled', payload: { user: { id: IDENTITY.userId } }, context: { app_id: 'app' } })

function webhook ({ port }: Service, body: string, isSigned: boolean): Promise<Answer> {
  const signature = createHmac('sha256', isSigned ? SECRETS.webhookSecret : junk).update(body).digest('hex')
  return ask(port, { method: 'POST', path: '/webhook', headers: [['x-authgear-body-signature', signature]], body })
}

const PREVIOUS = {
  CACHE_SECRET_PREVIOUS: SECRETS.cacheSecretBefore,
  AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: SECRETS.webhookSecretBefore,
  LOGIN_SECRET_PREVIOUS: SECRETS.loginSecretBefore
}

function environment (authgear: RunningSimulator, redisPort: number): Record<string, string> {
  return {
    AUTHGEAR_ENDPOINT: authgear.url,
    AUTHGEAR_TIMEOUT: '2s', // a slow machine answers in time
    AUTHGEAR_WEBHOOK_SECRET: SECRETS.webhookSecret,
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    REDIS_PASSWORD: SECRETS.redisPassword,
    REDIS_TIMEOUT: '5s', // so does its Redis
    CACHE_TTL: '10m', // what was stored is still there when it is looked at
    CACHE_SECRET: SECRETS.cacheSecret,
    MANAGEMENT_TOKEN: SECRETS.managementToken,
    LOGIN_CLIENT_ID: 'web',
    LOGIN_PUBLIC_URL: 'https://app.example.com',
    LOGIN_SECRET: SECRETS.loginSecret,
    ...PREVIOUS,
    LOG_LEVEL: 'trace'
  }
}

const managementPort = ({ managementUrl }: Service): number => Number(new URL(managementUrl).port)

function safe (t: Test, what: string, text: string): void {
  t.same(leaksIn(text, { ...SECRETS, ...IDENTITY }), [], what)
}

t.test('check and a start that fails print no secret, right or malformed', async (t) => {
  const good = {
    AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
    REDIS_URL: 'redis://redis',
    REDIS_PASSWORD: SECRETS.redisPassword,
    CACHE_SECRET: SECRETS.cacheSecret,
    AUTHGEAR_WEBHOOK_SECRET: SECRETS.webhookSecret,
    MANAGEMENT_TOKEN: SECRETS.managementToken,
    LOGIN_CLIENT_ID: 'web',
    LOGIN_PUBLIC_URL: 'https://app.example.com',
    LOGIN_SECRET: SECRETS.loginSecret,
    ...PREVIOUS
  }
  const rows: ReadonlyArray<readonly [what: string, env: Record<string, string>, commands: readonly string[]]> = [
    ['a good configuration', good, ['check']],
    [
      'short secrets',
      {
        ...good,
        CACHE_SECRET: SECRETS.cacheSecret.slice(0, 20),
        MANAGEMENT_TOKEN: SECRETS.managementToken.slice(0, 10),
        LOGIN_SECRET: SECRETS.loginSecret.slice(0, 20)
      },
      ['check', 'serve']
    ],
    [
      'previous secrets that are short, and the same',
      {
        ...good,
        CACHE_SECRET_PREVIOUS: SECRETS.cacheSecretBefore.slice(0, 20),
        LOGIN_SECRET_PREVIOUS: SECRETS.loginSecret,
        AUTHGEAR_WEBHOOK_SECRET: ''
      },
      ['check', 'serve']
    ],
    ['a password in a URL that cannot be read', { ...good, REDIS_URL: `redis://u:${SECRETS.redisPassword}@:x:y/` },
      ['check', 'serve']],
    ['a password in both places', { ...good, REDIS_URL: `redis://u:${SECRETS.redisPassword}@redis` }, ['check']],
    ['a password in a good URL', { ...good, REDIS_PASSWORD: '', REDIS_URL: `redis://u:${SECRETS.redisPassword}@redis` },
      ['check']],
    ['a secret under a wrong name',
      { ...good, CACHE_SECERT: SECRETS.cacheSecret, MANAGEMENT_TOKENS: SECRETS.managementToken }, ['check', 'serve']],
    ['a secret where a file is named', { ...good, CACHE_SECRET: '', CACHE_SECRET_FILE: SECRETS.cacheSecret },
      ['check']],
    ["a secret as the endpoint's password",
      { ...good, AUTHGEAR_ENDPOINT: `https://u:${SECRETS.managementToken}@myapp.authgear.cloud` }, ['check', 'serve']]
  ]
  for (const [what, env, commands] of rows) {
    for (const command of commands) {
      const printed = await run(command, env)
      t.match(printed, /AUTHGEAR|CACHE|REDIS|MANAGEMENT/, `${command} says something`)
      t.same(leaksIn(printed, SECRETS), [], `${command}, ${what}`)
    }
  }
})

/** @returns all that it printed until it ended */
async function run (command: string, env: Readonly<Record<string, string>>): Promise<string> {
  const printed: string[] = []
  if (command === 'check') check([], env, { write: (text) => printed.push(text) })
  return command === 'check'
    ? printed.join('')
    : await new Promise((resolve) =>
      execFile(process.execPath, [MAIN, command], { env: { PATH: process.env['PATH'], ...env }, timeout: 20_000 },
        (_error, stdout, stderr) => resolve(stdout + stderr))
    )
}

t.test('quotes a Redis that refuses the password without the password', async (t) => {
  const authgear = await startSimulator(t)
  for (const [msg, args] of [
    ['Redis refuses the password: check REDIS_USERNAME', ['--requirepass', 'another']],
    ['Redis is unreachable', ['--rename-command', 'AUTH', '', '--rename-command', 'HELLO', '']]
  ] as const) {
    const redis = await startRedis(t, { args: [...args] })
    const { lines } = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: authgear.url, ...redisAt(redis.port), REDIS_PASSWORD: SECRETS.redisPassword
    })
    await until('it is told', () => lines.some((line) => String(line['msg']).startsWith(msg)))
    t.same(leaksIn(JSON.stringify(lines), SECRETS), [], args.join(' '))
  }
})

t.test('doctor prints no secret, whatever it finds', async (t) => {
  const web = { id: 'web', redirectUris: ['https://app.example.com/_auth/callback'], postLogoutRedirectUris: [] }
  const [authgear, redis, muted] = await Promise.all([
    startSimulator(t, { adminApi, clients: [web] }),
    startRedis(t, { password: SECRETS.redisPassword }),
    startRedis(t, { args: ['--rename-command', 'AUTH', '', '--rename-command', 'HELLO', ''] })
  ])
  authgear.controls.addUser({
    id: IDENTITY.userId,
    name: 'canary',
    roles: [IDENTITY.role],
    sessions: [{ accessTokens: [bearer], cookie: session, appSession }]
  })
  const env = environment(authgear, redis.port)
  const cookies = `Cookie: a=${junk}; session=${session}; app_session=${appSession}`
  const future = jwt({ sub: IDENTITY.userId, aud: [SECRETS.jwt], exp: 9_999_999_999, jti: SECRETS.jwt })
  const rows: ReadonlyArray<
    readonly [what: string, code: number, env: Record<string, string>, args?: readonly string[], stdin?: string]
  > = [
    ['nothing wrong', 0, env],
    ['good cookies', 0, env, ['--cookie-stdin'], cookies],
    ['a good token', 0, env, ['--token-stdin'], bearer],
    ['bad cookies', 1, env, ['--cookie-stdin'], `session=${junk}; app_session=${junk}`],
    ['cookies that cannot be', 1, env, ['--cookie-stdin'], `session=${junk.repeat(50)}`],
    ['cookies under another prefix', 1, { ...env, AUTHGEAR_COOKIE_PREFIX: 'x_' }, ['--cookie-stdin'], cookies],
    ['no cookies, but secrets', 1, env, ['--cookie-stdin'], `${junk}; ${session}=${junk}; ${junk}`],
    ['a bad token', 1, env, ['--token-stdin'], junk],
    ['a token that cannot be', 1, env, ['--token-stdin'], `${bearer},${junk}`],
    ['a token that ended', 0, env, ['--token-stdin'], EXPIRED],
    ['a token for somebody else', 1, env, ['--token-stdin'], future],
    ['a token on the command line', 1, env, ['--token', bearer]],
    ['a cookie on the command line', 1, env, [cookies]],
    ['a token as a host', 1, env, ['--host', `${bearer}:1`]],
    ['Authgear\'s failures', 1, { ...env, AUTHGEAR_ENDPOINT: 'http://nowhere.invalid' }, ['--cookie-stdin'], cookies],
    ['another password', 1, { ...env, REDIS_PASSWORD: SECRETS.managementToken }],
    ['a password in the URL', 1,
      { ...env, REDIS_PASSWORD: '', REDIS_URL: `redis://${junk}:${SECRETS.redisPassword}@127.0.0.1:${redis.port}` }],
    ['a Redis that repeats the password', 1, { ...env, REDIS_URL: `redis://127.0.0.1:${muted.port}` }],
    [
      'Sentinels that are none',
      1,
      {
        ...env,
        REDIS_URL: '',
        REDIS_SENTINELS: `127.0.0.1:${muted.port}`,
        REDIS_SENTINEL_NAME: 'mymaster',
        REDIS_SENTINEL_PASSWORD: SECRETS.redisPassword
      }
    ],
    ['a Cluster that is none', 1,
      { ...env, REDIS_URL: '', REDIS_CLUSTER: `127.0.0.1:${redis.port},127.0.0.1:${muted.port}` }],
    ['an Admin API that refuses the key', 1,
      { ...env, ...auditEnvironment(authgear.url, '1s'), AUTHGEAR_ADMIN_API_KEY_ID: SECRETS.junk }],
    [
      'a configuration that is wrong',
      1,
      {
        ...env,
        CACHE_SECRET: SECRETS.cacheSecret.slice(0, 20),
        AUTHGEAR_ENDPOINT: `https://u:${SECRETS.managementToken}@myapp.authgear.cloud`
      }
    ]
  ]
  const secrets = { ...SECRETS, ...IDENTITY, adminKey: PRIVATE_KEY.split('\n')[3] ?? '' }
  for (const [what, code, env, args = [], stdin = ''] of rows) {
    for (const form of [[], ['--json']]) {
      const visited = await visit({ env, args: [...form, ...args], stdin })
      t.equal(visited.code, code, what)
      t.same(leaksIn(visited.text, secrets), [], `${what}${form.join()}`)
    }
  }
  for (const failure of FAILURES) {
    authgear.controls.fail(failure)
    const visited = await visit({ env, args: ['--cookie-stdin'], stdin: cookies })
    t.same(leaksIn(visited.text, secrets), [], failure)
    authgear.controls.recover()
  }
})
