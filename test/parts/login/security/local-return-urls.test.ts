import t from 'tap'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import { LOGIN, startInProcess } from '../../../helpers/in-process.ts'
import { sendRaw } from '../../../helpers/raw-http.ts'
import { IS_ALL } from '../../../helpers/runs.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { CORPUS, forms } from '../../../security/helpers/redirects.ts'

/** The login of a demo (decision 150), on a running service: it is no way out to anywhere else either. */
const ORIGIN = 'http://localhost:8080'
const AUTHGEAR = 'http://localhost:4300'
const ALLOWED = [`${ORIGIN}/`, `${AUTHGEAR}/oauth2/authorize?`, `${AUTHGEAR}/oauth2/end_session?`]
const NAVIGATION = 'Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n'
const bytes = (text: string): string => Buffer.from(text).toString('latin1')

/** The corpus (in npm test each third: return-urls has all), and the same with this origin instead of the good one. */
const ADDRESSES = [...new Set(CORPUS.filter((_, index) => IS_ALL || index % 3 === 0).flatMap((text) => [
  text, text.replaceAll('app.example.com', 'localhost:8080').replaceAll('https', 'http')
]))]

t.test('a login on this machine leads to Authgear, or back to its own origin', async (t) => {
  const authgear = await startSimulator(t)
  const adapter = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: AUTHGEAR,
    AUTHGEAR_RESOLVER_URL: `${authgear.url}/_resolver/resolve`,
    ...LOGIN,
    LOGIN_PUBLIC_URL: ORIGIN,
    LOGIN_ALLOWED_HOSTS: undefined,
    LOGOUT_REDIRECT_URI: undefined
  })
  const seal = createSeal(LOGIN.LOGIN_SECRET)
  const cookie = `__Host-forward-auth-login=${seal.seal('browser', { id: 'b', returns: 0, since: Date.now() })}`
  const session = `session=${authgear.controls.signIn('alice').cookie}`
  const stateOf = (returnTo: string): string => seal.seal('state', {
    returnTo, browser: 'b', mode: 'silent', maxAge: undefined, locales: undefined, restarts: 0, issuedAt: Date.now()
  })
  const wrong: string[] = []
  let [led, back] = [0, 0]
  const check = async (path: string, lines = ''): Promise<void> => {
    const answer = await sendRaw(
      adapter.port, `GET ${path} HTTP/1.1\r\nHost: x\r\n${NAVIGATION}${lines}Connection: close\r\n\r\n`
    )
    for (const [name, value] of answer?.headers ?? []) {
      if (name.toLowerCase() !== 'location') continue
      led++
      if (value.startsWith(`${ORIGIN}/`) && !value.startsWith(`${ORIGIN}/_auth/`)) back++
      if (!ALLOWED.some((start) => value.startsWith(start)) || !/^[!-~]+$/.test(value)) wrong.push(`${path} → ${value}`)
    }
    if (answer?.status === 200) wrong.push(`${path} is a 200`)
  }
  for (const text of ADDRESSES) {
    for (const form of forms(text)) await check(`/_auth/login?rd=${bytes(form)}`)
    await check('/verify', `X-Forwarded-Host: ${bytes(text)}\r\nX-Forwarded-Uri: /\r\n`)
    await check('/verify', `X-Forwarded-Host: localhost:8080\r\nX-Forwarded-Uri: /${bytes(text)}\r\n`)
    await check(`/_auth/callback?error=login_required&state=${stateOf(text)}`, `Cookie: ${cookie}; ${session}\r\n`)
    await check(`/_auth/callback?state=${stateOf(text)}`, `Cookie: ${cookie}; ${session}\r\n`)
    await check(`/_auth/logout?rd=${bytes(text)}`)
  }
  t.strictSame(wrong, [])
  const [leastLed, leastBack] = IS_ALL ? [3000, 600] : [800, 150]
  t.ok(led > leastLed && back > leastBack, 'most of them lead somewhere, and logins end at a page')
  t.comment(`${ADDRESSES.length} addresses, ${led} redirects, ${back} of them to a page, ${wrong.length} that lead away`)
})
