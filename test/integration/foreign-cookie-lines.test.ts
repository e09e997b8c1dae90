import { readFileSync } from 'node:fs'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import type { Exchange, HeaderList } from '../helpers/recorded.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { reply, startUpstream } from '../helpers/upstream.ts'

const { exchanges } = JSON.parse(
  readFileSync(new URL('../fixtures/resolver-2.json', import.meta.url), 'utf8')
) as Readonly<{ exchanges: readonly Exchange[] }>

const CURE = /http\.cookie_prefix in the Authgear project, and AUTHGEAR_COOKIE_PREFIX here/
/** What of the recorded request is sent, and what becomes of it. `alone`: without the bearer token beside it. */
const ROWS: ReadonlyArray<readonly [name: string, alone: boolean, status: number, reason: string, cookies?: RegExp]> = [
  ['own-session-cookie-first', false, 401, 'invalid_session', /^2 cookies session, of which the first counts/],
  ['own-session-cookie-1100+bearer', false, 200, 'allowed'],
  ['own-session-cookie-4090+bearer', false, 200, 'allowed'],
  ['own-session-cookie-1100+bearer', true, 401, 'malformed_credentials', /^a cookie session, too long/],
  ['bearer-17000+session', false, 200, 'allowed']
]

const filled = (text: string): string =>
  text.replace(/<(\d+) x>/, (_, count: string) => 'x'.repeat(Number(count))).replace(/<[a-z][\w-]*>/i, 'a'.repeat(32))

/** As it was sent. */
function credentialsOf ({ request }: Exchange, alone: boolean): readonly HeaderLine[] {
  const wanted = alone ? /^cookie$/i : /^(authorization|cookie)$/i
  return request.headers.filter(([name]) => wanted.test(name)).map(([name, value]): HeaderLine => [name, filled(value)])
}

/** What Authgear said, without what is about the connection. */
const answerOf = ({ response }: Exchange): HeaderList => response.headers.filter(([name]) => name !== 'Content-Length')

for (const [name, alone, status, reason, cookies] of ROWS) {
  t.test(`${name}${alone ? ', without the token' : ''}: ${status} ${reason}`, async (t) => {
    const exchange = exchanges.find((one) => one.name === name)
    if (exchange === undefined) throw new Error('not recorded')
    const upstream = await startUpstream(t, (socket) => socket.write(reply(200, answerOf(exchange))))
    const { port, lines } = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: 'https://auth.lab.test', AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`
    })
    const headers = credentialsOf(exchange, alone)
    const answer = await ask(port, { path: '/verify', headers })
    t.match(answer, { status, headers: { 'x-forward-auth-reason': reason } })
    const line = lines.at(-1) ?? {}
    t.equal(line['reason'], reason)
    if (cookies === undefined) return t.notOk('cookies' in line, 'nothing is said of cookies')
    t.match(line, { cookies, check: CURE })
    t.notMatch(JSON.stringify(line), /xxxx|eyJhIjoxfQ|aaaa/, 'nor of their values')
    if (reason !== 'malformed_credentials') return
    const page = await ask(port, { path: '/verify', headers: [...headers, ['Sec-Fetch-Mode', 'navigate']] })
    t.match(page.body, /http\.cookie_prefix in the Authgear project/, 'the page names the cure')
  })
}
