import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { loadConfig } from '../../../src/app/config.ts'

const HOST = 'app.home.example'
const WORKS: NodeJS.ProcessEnv = {
  AUTHGEAR_ENDPOINT: 'https://auth.home.example',
  LOGIN_CLIENT_ID: 'a1b2c3d4',
  LOGIN_PUBLIC_URL: `https://${HOST}`,
  LOGIN_SECRET: 'k'.repeat(32)
}
const WITHOUT_LOGIN = { ...WORKS, LOGIN_CLIENT_ID: '', LOGIN_PUBLIC_URL: '', LOGIN_SECRET: '' }

function run (args: readonly string[], env: NodeJS.ProcessEnv): Readonly<{ code: number, errors: readonly string[] }> {
  const lines: string[] = []
  const code = check(args, env, { write: (text) => lines.push(text) }, (all) =>
    loadConfig(all, {
      memory: () => ({ limitBytes: 2 ** 30, isContainer: false, heapBytes: 2 ** 29 })
    })
  )
  return { code, errors: lines.join('').split('\n').filter((line) => line.startsWith('error: ')) }
}

/** What cannot work, and the words that the one who reads it needs. */
const REFUSED: ReadonlyArray<readonly [why: string, host: string, env: NodeJS.ProcessEnv, says: readonly RegExp[]]> = [
  ['no client id', HOST, WITHOUT_LOGIN,
    [/^error: LOGIN_CLIENT_ID: .*LOGIN_URL.*Applications › New Application.*Cookie session via reverse proxy.*https:\/\/app\.home\.example\/_auth\/callback/]],
  ['an http endpoint', HOST, { ...WORKS, AUTHGEAR_ENDPOINT: 'http://auth.home.example' },
    [/^error: AUTHGEAR_ENDPOINT: .*https:\/\/auth\.home\.example/]],
  ['an http endpoint that only this machine knows', HOST, { ...WORKS, AUTHGEAR_ENDPOINT: 'http://authgear:3000' },
    [/^error: AUTHGEAR_ENDPOINT: .*https/, /^error: AUTHGEAR_ENDPOINT: .*no cookie.*Custom Domains/]],
  ['a domain of Authgear\'s own', HOST, { ...WORKS, AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud' },
    [/^error: AUTHGEAR_ENDPOINT: .*no cookie.*Custom Domains.*auth\.home\.example.*cookie_domain: "home\.example"/]],
  ['the same, without a login', HOST, { ...WITHOUT_LOGIN, AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud' },
    [/^error: AUTHGEAR_ENDPOINT: .*no cookie/, /^error: LOGIN_CLIENT_ID: /]],
  ['one host for both', 'auth.home.example', { ...WORKS, LOGIN_PUBLIC_URL: 'https://auth.home.example' },
    [/^error: --host \(APP_HOST in \.env\): .*Authgear's own/]],
  ['a login on another host', HOST, { ...WORKS, LOGIN_PUBLIC_URL: 'https://other.home.example' },
    [/^error: LOGIN_PUBLIC_URL: .*https:\/\/app\.home\.example/]],
  ['another app in no domain with Authgear', HOST, { ...WORKS, LOGIN_ALLOWED_HOSTS: 'wiki.other.example' },
    [/^error: LOGIN_ALLOWED_HOSTS, LOGIN_PUBLIC_URL: .*wiki\.other\.example/]],
  ['no host', '', WORKS, [/^error: --host \(APP_HOST in \.env\): is not set/]],
  ['an address', '192.0.2.7', { ...WORKS, LOGIN_PUBLIC_URL: 'https://192.0.2.7' }, [/^error: --host \(APP_HOST in \.env\): .*name/]],
  ['a URL', `https://${HOST}`, WORKS, [/^error: --host \(APP_HOST in \.env\): .*name/]]
]

t.test('check --host accepts what can work, and adds no other refusals', async (t) => {
  t.same(run(['--host', HOST], WORKS), { code: 0, errors: [] })
  t.same(run(['--host', HOST], { ...WORKS, LOGIN_ALLOWED_HOSTS: '*.home.example' }), { code: 0, errors: [] })
  t.same(run(['--host', HOST], { ...WITHOUT_LOGIN, LOGIN_URL: '/login' }), { code: 0, errors: [] }, 'one of the app')
  for (const [why, , env] of REFUSED) t.equal(run([], env).code, 0, `${why}: a warning at most without --host`)
  t.equal(run(['--host', HOST], { ...WORKS, CACHE_TTL: 'soon' }).code, 1)
})

t.test('check --host says why nobody could sign in, and what to do in the portal', async (t) => {
  for (const [why, host, env, says] of REFUSED) {
    const { code, errors } = run(['--host', host], env)
    t.equal(code, 1, why)
    t.equal(errors.length, says.length, `${why}: ${errors.join(' | ')}`)
    says.forEach((pattern, i) => t.match(errors[i], pattern, why))
  }
})

t.test('check --host on this machine needs neither HTTPS nor a login', async (t) => {
  t.same(run(['--host', 'localhost'], { AUTHGEAR_ENDPOINT: 'http://authgear-simulator:3000' }), { code: 0, errors: [] })
  const { code, errors } = run(['--host', 'localhost'], { AUTHGEAR_ENDPOINT: 'https://auth.home.example' })
  t.equal(code, 1, 'a real project gives no cookie to localhost')
  t.match(errors[0], /^error: --host \(APP_HOST in \.env\): .*deploy\/compose\/https\.yml/)
})

const OWN: NodeJS.ProcessEnv = {
  ...WORKS,
  AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud',
  LOGIN_SESSION: 'own',
  LOGIN_PUBLIC_URL: `https://${HOST},https://wiki.other.example,http://localhost:8080`
}

t.test('check --host takes any domain, and localhost, for a session of our own', async (t) => {
  for (const host of [HOST, 'wiki.other.example', 'localhost']) {
    t.same(run(['--host', host], OWN), { code: 0, errors: [] }, host)
  }
  const { code, errors } = run(['--host', 'nas.home.example'], OWN)
  t.equal(code, 1)
  t.match(errors, [/^error: LOGIN_PUBLIC_URL: .*https:\/\/nas\.home\.example\/_auth\/callback/])
  const { errors: [without] } = run(['--host', HOST], { ...WORKS, AUTHGEAR_ENDPOINT: 'https://myapp.authgear.cloud' })
  t.match(without, 'LOGIN_SESSION=own')
})

t.test('check refuses an option that it does not have', async (t) => {
  t.match(run(['--hots', HOST], WORKS), { code: 1, errors: [/^error: there is no option --hots: did you mean --host\?/] })
  t.match(run(['--host'], WORKS), { code: 1, errors: [/^error: check takes no argument but --host HOST/] })
})
