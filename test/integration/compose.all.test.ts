import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type ComposeService, readCompose } from '../helpers/compose.ts'
import { variables } from '../../src/app/config.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp-dir.ts'

const ROOT = join(import.meta.dirname, '../..')
const DEMO = 'docker-compose.yml'
const HTTPS = 'deploy/compose/https.yml'
const CADDY = 'deploy/compose/https-caddy.yml'
const STACKS = [DEMO, 'deploy/compose/caddy.yml', 'deploy/compose/nginx.yml', HTTPS, CADDY] as const
const WORKS = {
  APP_HOST: 'app.home.example',
  AUTHGEAR_ENDPOINT: 'https://auth.home.example',
  LOGIN_CLIENT_ID: 'a1b2c3d4',
  ALLOW: 'role=staff'
}
/** Everything that .env.example names, with a value that is its own. */
const OPTIONS = {
  IDENTITY_PROFILE: 'email',
  LOGIN_SESSION: 'own',
  LOGIN_SSO: 'off',
  LOGIN_PUBLIC_URL: 'https://app.home.example,https://wiki.other.example',
  LOGIN_ALLOWED_HOSTS: 'wiki.home.example',
  LOGIN_URL: 'https://app.home.example/login',
  LOGOUT_REDIRECT_URI: 'https://www.home.example/bye',
  AUTHGEAR_APP_ID: 'myapp',
  AUTHGEAR_WEBHOOK_SECRET: 'a webhook secret',
  AUTHGEAR_WEBHOOK_SECRET_PREVIOUS: 'an older webhook secret',
  AUTHGEAR_ADMIN_API_URL: 'https://auth.home.example/_api/admin',
  AUTHGEAR_ADMIN_API_KEY: '{"kty":"RSA"}',
  AUTHGEAR_ADMIN_API_KEY_ID: 'a key',
  AUTHGEAR_AUDIT_POLL: '5s',
  CACHE_STALE_IF_ERROR: '10m',
  MANAGEMENT_TOKEN: 'a token'
}
const skip = skipOrFail('docker-compose')
type Env = Readonly<Record<string, string>>

t.test('in every stack all containers wait for check', { skip }, async (t) => {
  for (const file of STACKS) {
    const services = readCompose(file, WORKS)
    const waits = (name: string): boolean => {
      const { check, ...others } = services[name]?.depends_on ?? {}
      return check?.condition === 'service_completed_successfully' || Object.keys(others).some(waits)
    }
    for (const name of Object.keys(services).filter((name) => name !== 'check')) t.ok(waits(name), `${file}: ${name}`)
  }
})

t.test('one port or two are published to the world; the status page is on loopback', { skip }, async (t) => {
  for (const file of STACKS) {
    const ports = Object.entries(readCompose(file, WORKS)).flatMap(([name, { ports = [] }]) =>
      ports.map(({ host_ip: host = 'the world', published = '' }) => `${name} ${host} ${published}`)
    )
    const proxy = file === DEMO || file === HTTPS ? 'traefik' : file.includes('nginx') ? 'nginx' : 'caddy'
    const open = file === HTTPS || file === CADDY ? ['80', '443'] : ['8080']
    t.strictSame(ports.toSorted(),
      ['forward-auth 127.0.0.1 4181-4190', ...open.map((port) => `${proxy} the world ${port}`)].toSorted(), file)
  }
})

t.test('check and forward-auth get every setting that .env.example names', { skip }, async (t) => {
  const named = [...readFileSync(join(ROOT, 'deploy/compose/.env.example'), 'utf8').matchAll(/^(?:# )?([A-Z_]+)=/gm)]
  const ofService = named.map(([, name = '']) => name).filter((name) => name in variables)
  const lines = ['ALLOW', 'AUTHGEAR_ENDPOINT', 'LOGIN_CLIENT_ID']
  t.strictSame(ofService.toSorted(), [...Object.keys(OPTIONS), ...lines].toSorted())
  for (const file of STACKS) {
    const services = readCompose(file, { ...WORKS, ...OPTIONS })
    const given = { ...OPTIONS, ALLOW: WORKS.ALLOW }
    for (const name of ['check', 'forward-auth']) t.match(services[name]?.environment, given, `${file}: ${name}`)
  }
})

/** A stack gives these itself. */
const GIVEN = new Set(['LOGIN_PUBLIC_URL', 'LOGIN_PATH', 'LOGIN_SECRET', 'LOGIN_SECRET_PREVIOUS'])
const OF_PEOPLE = /^(LOGIN|LOGOUT|AUTHGEAR_(WEBHOOK|APP_ID|ADMIN|AUDIT)|CACHE_STALE)/

t.test('.env.example names all of login, pages, webhook, audit log and outages', (t) => {
  const wanted = Object.keys(variables).filter((name) => OF_PEOPLE.test(name) && !GIVEN.has(name))
  t.ok(wanted.length >= 11)
  t.strictSame(wanted.filter((name) => !(name in OPTIONS) && !(name in WORKS)), [])
  t.end()
})

t.test('with a session of our own each host has the login', { skip }, async (t) => {
  const rule = 'traefik.http.routers.authgear-login.rule'
  const routed = (env: Env): string => readCompose(HTTPS, env)['forward-auth']?.labels?.[rule] ?? ''
  t.match(routed(WORKS), /^\(Host\(`app\.home\.example`\)\) && PathRegexp/)
  t.match(routed({ ...WORKS, LOGIN_SESSION: 'own' }), /^\(Host\(`app\.home\.example`\) \|\| HostRegexp\(`\.`\)\) && PathRegexp/)
  const command = (env: Env): string => (readCompose(HTTPS, env)['redis']?.command ?? []).join(' ')
  t.match(command(WORKS), '--dir /data --appendonly yes --appendfsync everysec')
  t.match(command({ ...WORKS, APPENDONLY: 'no' }), '--appendonly no')
})

t.test('both stacks of Traefik refuse the same', { skip }, async (t) => {
  const protects = (file: string): readonly string[] =>
    (readCompose(file, WORKS)['traefik']?.command ?? []).filter((word) => /aliasheaders|encoded|rootcas|exposed/.test(word))
  t.equal(protects(DEMO).length, 6)
  t.strictSame(protects(HTTPS), protects(DEMO))
})

/** What the proxies' files rely on. */
const FIXED = /^LISTEN_TLS_(CERT|KEY)_FILE$/
const VALUE = 'from the file'

/** The stacks' files with that `.env`. @returns the folder */
function withDotenv (t: Test, env: Env): string {
  const folder = tempDir(t, 'compose')
  for (const path of [DEMO, 'deploy/compose']) cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  const text = Object.entries(env).map(([name, value]) => `${name}=${value}\n`).join('')
  for (const path of ['.env', 'deploy/compose/.env']) writeFileSync(join(folder, path), text)
  return folder
}

t.test('.env brings every documented variable to check and to forward-auth', { skip }, async (t) => {
  const folder = withDotenv(t, Object.fromEntries(Object.keys(variables).map((name) => [name, VALUE])))
  for (const file of STACKS) {
    const services = readCompose(file, {}, folder)
    for (const name of ['check', 'forward-auth']) {
      const { environment = {} } = services[name] ?? {}
      const missing = Object.keys(variables).filter((one) => environment[one] !== VALUE && !FIXED.test(one))
      t.strictSame(missing, [], `${file}: ${name}`)
      t.equal(environment['REDIS_IMAGE'], '', 'which is for Compose, and would be an unknown name of ours')
    }
  }
})

/** The container `check` of that stack, as a program of this machine. */
function runCheck (t: Test, file: string, given: Env): Readonly<{ code: number | null, text: string }> {
  const service: ComposeService = readCompose(file, {}, withDotenv(t, given))['check'] ?? {}
  const { command, environment = {}, volumes = [] } = service
  const env = Object.fromEntries(Object.entries(environment).map(([name, value]) =>
    [name, volumes.find(({ target }) => target === value)?.source ?? value]))
  const { status, stdout } = spawnSync(process.execPath, [join(ROOT, 'dist/main.js'), ...command ?? []], {
    env, encoding: 'utf8'
  })
  return { code: status, text: stdout }
}

const without = (name: keyof typeof WORKS): Env => ({ ...WORKS, [name]: '' })

/** As docs/docker.md has it. */
const OWN_REDIS = {
  REDIS_URL: 'rediss://redis.example.com:6380', REDIS_USERNAME: 'forward-auth', REDIS_PASSWORD: 'pw', REDIS_PASSWORD_FILE: ''
}

const CHECKED: ReadonlyArray<readonly [what: string, file: string, env: Env, says: string]> = [
  ['the demo', DEMO, {}, ''],
  ['the demo with a real Authgear in one domain, without a login', DEMO,
    { APP_HOST: 'app.home.example', AUTHGEAR_ENDPOINT: 'https://auth.home.example' }, 'LOGIN_CLIENT_ID: is not set'],
  ['the demo with two logins', DEMO, { LOGIN_CLIENT_ID: 'a1b2c3d4' }, "LOGIN_URL: is the app's own login"],
  ['six lines', HTTPS, WORKS, ''],
  ['six lines, with Caddy', CADDY, WORKS, ''],
  ['a Redis of one\'s own', HTTPS, { ...WORKS, ...OWN_REDIS }, ''],
  ['variables that no list names', CADDY, { ...WORKS, IDENTITY_HEADERS: 'remote', REDIS_IMAGE: 'valkey' }, ''],
  ['a secret beside the stack\'s', HTTPS, { ...WORKS, CACHE_SECRET: 'k'.repeat(32) }, 'CACHE_SECRET: is set and'],
  ['a typo', HTTPS, { ...WORKS, AUTHGEAR_TIMEOUTS: '1s' }, 'AUTHGEAR_TIMEOUT'],
  ['six lines and a second app', HTTPS, { ...WORKS, LOGIN_ALLOWED_HOSTS: 'wiki.home.example' }, ''],
  ['the app has a login of its own', HTTPS, { ...without('LOGIN_CLIENT_ID'), LOGIN_URL: '/login' }, ''],
  ['a login of both kinds', HTTPS, { ...WORKS, LOGIN_URL: '/login' }, "LOGIN_URL: is the app's own login"],
  ['the demo with a real Authgear', DEMO,
    { APP_HOST: 'app.home.example', AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud' }, 'no cookie of myapp.authgear'],
  ['the demo with a real Authgear on localhost', DEMO, { AUTHGEAR_ENDPOINT: 'https://auth.home.example' }, 'https.yml'],
  ['an empty .env', HTTPS, {}, 'AUTHGEAR_ENDPOINT: is required'],
  ['no host', CADDY, without('APP_HOST'), '--host (APP_HOST in .env): is not set'],
  ['no endpoint', CADDY, without('AUTHGEAR_ENDPOINT'), 'AUTHGEAR_ENDPOINT: is required'],
  ['nobody who may enter', HTTPS, without('ALLOW'), 'ALLOW: is empty'],
  ['no client', HTTPS, without('LOGIN_CLIENT_ID'), 'LOGIN_CLIENT_ID: is not set'],
  ['another domain', HTTPS, { ...WORKS, AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud' }, 'Custom Domains'],
  ['plain HTTP', HTTPS, { ...WORKS, AUTHGEAR_ENDPOINT: 'http://auth.home.example' }, 'is not https']
]

t.test('the container check accepts what can work, and names what cannot', { skip }, async (t) => {
  for (const [what, file, env, says] of CHECKED) {
    const { code, text } = runCheck(t, file, env)
    t.equal(code, says === '' ? 0 : 1, `${what}: ${text.slice(0, 200)}`)
    t.ok(text.includes(says), `${what}: ${says}`)
    const missing = Object.entries(env).filter(([name, value]) =>
      name in variables && value !== '' && code === 0 && !new RegExp(`^set: .*\\b${name}\\b`, 'm').test(text))
    t.strictSame(missing, [], `${what}: check says what it got`)
  }
})
