import t, { type Test } from 'tap'
import { LOGIN, startInProcess } from '../../../helpers/in-process.ts'
import { STRICT } from '../../../helpers/login-answers.ts'
import { ask } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'

const { alice } = demo
const SESSION = `session=${alice.cookie}`
const HEADERS = {
  ...STRICT, 'sec-fetch-site': 'same-origin', 'x-forwarded-host': 'app.example.com', 'x-forwarded-proto': 'https'
}

async function start (t: Test) {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: 'https://auth.example.com',
    AUTHGEAR_RESOLVER_URL: `${simulator.url}/_resolver/resolve`,
    ...LOGIN,
    CACHE_TTL: '10m'
  })
  const verify = async (cookie: string): Promise<string> => {
    const { status, headers } = await ask(port, { path: '/verify', headers: [['Cookie', cookie]] })
    return `${status} ${String(headers['x-forward-auth-source'] ?? headers['x-forward-auth-reason'])}`
  }
  const logOut = async (cookie: string): Promise<void> => {
    await ask(port, { path: '/_auth/logout', headers: Object.entries({ ...HEADERS, cookie }) })
  }
  return { simulator, verify, logOut }
}

/** What a browser sends whose sign-out has to hold although Authgear is out: all of it was remembered as valid. */
const COOKIES: ReadonlyArray<readonly [what: string, cookie: string]> = [
  ['a session beside a stale app_session', `${SESSION}; app_session=old`],
  [
    'three credentials that are remembered together',
    `${SESSION}; app_session=${alice.appSession}; app_access_token=${alice.accessToken}`
  ]
]

for (const [what, cookie] of COOKIES) {
  t.test(`a sign-out in an outage of Authgear forgets ${what}`, async (t) => {
    const { simulator, verify, logOut } = await start(t)
    t.match(await verify(SESSION), /^200/)
    const together = await verify(cookie)
    await simulator.close()
    await logOut(cookie)
    t.not(await verify(SESSION), '200 memory', 'the session alone')
    if (together.startsWith('200')) t.not(await verify(cookie), '200 memory', 'all that was sent')
  })
}
