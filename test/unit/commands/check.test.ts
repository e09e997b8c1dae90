import t from 'tap'
import { check } from '../../../src/commands/check.ts'
import { loadConfig } from '../../../src/app/config.ts'

const ENDPOINT = 'https://myapp.authgear.cloud'
const SECRET = 'k'.repeat(32)

function run (env: NodeJS.ProcessEnv): Readonly<{ code: number, text: string, warned: readonly string[] }> {
  const lines: string[] = []
  const code = check([], { AUTHGEAR_ENDPOINT: ENDPOINT, ...env }, { write: (text) => lines.push(text) }, (all) =>
    loadConfig(all, {
      memory: () => ({ limitBytes: 2 ** 30, isContainer: false, heapBytes: 2 ** 29 })
    })
  )
  const text = lines.join('')
  return { code, text, warned: [...text.matchAll(/^warning: (\w+)/gm)].map(([, name = '']) => name) }
}

t.test('the effective configuration is a table: name, value, where it comes from', async (t) => {
  const { code, text } = run({ CACHE_TTL: '1m', REDIS_URL: 'redis://u:pw-of-redis@redis', CACHE_SECRET: SECRET })
  t.equal(code, 0)
  for (const line of [
    /^variable +value +from$/m, /^CACHE_TTL +1m +environment$/m, /^CACHE_NEGATIVE_TTL +5s +default$/m,
    /^REDIS_URL +redis:\/\/u:\*{8}@redis +environment$/m,
    /^AUTHGEAR_ENDPOINT +https:\/\/myapp\.authgear\.cloud +environment$/m, /^REDIS_PASSWORD +– +default$/m,
    /^CACHE_SECRET +\*{8} +environment$/m,
    /^AUTHGEAR_RESOLVER_URL +https:\/\/myapp\.authgear\.cloud\/_resolver\/resolve +default$/m,
    /^AUTHGEAR_APP_ID +– +default$/m
  ]) {
    t.match(text, line)
  }
  for (const secret of [SECRET, 'pw-of-redis']) t.notMatch(text, secret)
  t.match(text, /^note: Authgear does not send amr yet/m)
  t.notMatch(text, 'everyone who registers')
})

t.test('with sessions of our own a note says which clients may be asked to confirm', async (t) => {
  const own = {
    LOGIN_SESSION: 'own', LOGIN_CLIENT_ID: 'web', LOGIN_SECRET: SECRET, LOGIN_PUBLIC_URL: 'https://app.example.com'
  }
  t.match(run(own).text, /^warning: everyone who registers at https:.* can open your apps: set ALLOW/m)
  t.match(run(own).text, /^note: with LOGIN_SESSION=own .*`max_age=…`.* for any other, step-up is off/m)
  t.notMatch(run({}).text, /LOGIN_SESSION=own/)
})

t.test('one line names each setting, and how it was set', async (t) => {
  const file = t.testdir({ s: `${SECRET}\n` })
  const env = { CACHE_TTL: '1m', LOG_LEVEL: '', REDIS_URL: 'redis://redis', CACHE_SECRET_FILE: `${file}/s` }
  t.match(run(env).text, /^set: AUTHGEAR_ENDPOINT, CACHE_TTL, CACHE_SECRET_FILE, REDIS_URL$/m)
})

t.test('a warning is no error, and a secret of a file is not shown', async (t) => {
  const file = t.testdir({ s: `${SECRET}\n` })
  const { code, text, warned } = run({ REDIS_URL: 'redis://redis', CACHE_SECRET: 'none' })
  t.strictSame([code, warned], [0, ['CACHE_SECRET']])
  t.match(text, /^warning: CACHE_SECRET: is none/m)
  t.match(run({ REDIS_URL: 'redis://redis', CACHE_SECRET_FILE: `${file}/s` }).text, /^CACHE_SECRET +\*{8} +file$/m)
})

t.test('prints all errors at once, and nothing else', async (t) => {
  const { code, text } = run({ CACHE_TTL: '1', LISTEN: '4180' })
  t.equal(code, 1)
  t.match(text, /^error: LISTEN: .*\nerror: CACHE_TTL: .*\n$/)
})
