import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { startInProcess } from '../../../helpers/in-process.ts'
import { jwt } from '../../../helpers/jwt.ts'
import type { Exchange } from '../../../helpers/recorded.ts'
import { ask, type HeaderLine } from '../../../helpers/request.ts'
import { reply, startUpstream } from '../../../helpers/upstream.ts'

type Claims = Readonly<Record<string, unknown>>
type Recording = Readonly<{
  tokens: Readonly<Record<string, Readonly<{ header: Claims, payload: Claims }>>>
  exchanges: readonly Exchange[]
}>

const recording = JSON.parse(readFileSync(new URL('../../../fixtures/m2m.json', import.meta.url), 'utf8')) as Recording
const ENDPOINT = 'https://auth.lab.test'
const { header, payload } = recording.tokens['resource, one scope'] ?? { header: {}, payload: {} }
/** Signed by nobody: what /verify reads of it can only refuse. */
const TOKEN = jwt({ ...payload, exp: 9_999_999_999 }, header)

/** What the real Authgear said to a machine's token, and to the same beside a person's session. */
const RECORDED = ['m2m bearer', 'm2m app_access_token cookie', 'm2m bearer + valid session cookie']

async function start (t: Test, name: string) {
  const exchange = recording.exchanges.find((one) => one.name === `resolver: ${name}`)
  if (exchange === undefined) throw new Error(`no exchange of that name: ${name}`)
  const { status, headers } = exchange.response
  const upstream = await startUpstream(t, (socket) => socket.write(reply(status, [...headers])))
  const resolverUrl = `http://127.0.0.1:${upstream.port}/resolve`
  const { port, lines } = await startInProcess(t, { AUTHGEAR_ENDPOINT: ENDPOINT, AUTHGEAR_RESOLVER_URL: resolverUrl })
  const credentials = exchange.request.headers.filter(([key]) => /^(authorization|cookie)$/i.test(key))
    .map(([key, value]): HeaderLine => [key, value.replace('<jwt>', TOKEN)])
  const verify = (more: readonly HeaderLine[] = []) =>
    ask(port, { path: '/verify', headers: [...credentials, ...more] })
  return { verify, lines, asked: () => upstream.requests.length }
}

for (const name of RECORDED) {
  t.test(`${name}: refused, without a hint to sign in`, async (t) => {
    const { verify, lines, asked } = await start(t, name)
    const answer = await verify()
    t.match(answer, {
      status: 401,
      headers: {
        'x-forward-auth-reason': 'wrong_audience',
        'www-authenticate': `Bearer realm="${ENDPOINT}", error="invalid_token"`
      }
    })
    t.notMatch(answer.body, /sign in|session/i)
    t.equal(asked(), 0, 'Authgear is not asked')
    t.match(lines.at(-1), { reason: 'wrong_audience', check: /RESOURCES.*\/resource.*docs\/resource-tokens\.md/ })
    t.notMatch(JSON.stringify(lines), TOKEN)
  })
}

t.test('a person whose browser has such a cookie is told what to do about it', async (t) => {
  const { verify } = await start(t, 'm2m app_access_token cookie')
  const { body } = await verify([['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']])
  t.match(body, /This sign-in is for another service.*Delete the cookies of this site/s)
})
