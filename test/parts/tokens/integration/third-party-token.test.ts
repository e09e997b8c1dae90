import t from 'tap'
import { visit } from '../../../helpers/doctor.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { headersNamed, type HeaderList } from '../../../helpers/recorded.ts'
import { ask } from '../../../helpers/request.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { addThirdPartyClient, specifiedAnswer } from '../../../helpers/third-party.ts'

t.test('a third-party client’s opaque token', async (t) => {
  const simulator = await startSimulator(t, { cookieDomain: 'example.com' })
  const token = addThirdPartyClient(simulator)
  const { port, lines } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const verify = () => ask(port, { path: '/verify', headers: [['Authorization', `Bearer ${token}`]] })

  await t.test('the simulator answers it as the specification says', async (t) => {
    const answer = await ask(simulator.port, { path: '/resolve', headers: [['Authorization', `Bearer ${token}`]] })
    const sent: HeaderList = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
    const specified = specifiedAnswer().map(([name, value]) => [name.toLowerCase(), value])
    t.equal(answer.status, 200)
    t.strictSame(headersNamed(sent, /^x-authgear-/i), specified)
  })

  await t.test('is refused, and its client is not told to sign in', async (t) => {
    simulator.counters.reset()
    const answer = await verify()
    t.match(answer, {
      status: 401,
      headers: { 'x-forward-auth-reason': 'invalid_session', 'www-authenticate': /error="invalid_token"$/ }
    })
    t.match(JSON.parse(answer.body), { error: 'invalid_session', message: /^The access token sent is not accepted/ })
    t.notMatch(answer.body, /sign in/i)
    t.strictSame(headersNamed(Object.keys(answer.headers).map((name) => [name, '']), /^x-authgear-/), [])
  })

  await t.test('is remembered as refused, after one question', async (t) => {
    t.equal((await verify()).status, 401)
    t.match(lines.at(-1), { reason: 'invalid_session', source: 'memory' })
    t.equal(simulator.counters.of(token), 1, '`false` is a result, which is not asked for twice')
  })

  await t.test('doctor names it, and what to ask Authgear for in its place', async (t) => {
    const env = { AUTHGEAR_ENDPOINT: simulator.url }
    const { text, findings } = await visit({ env, args: ['--token-stdin'], stdin: token })
    t.strictSame(findings, ['error token-refused'], text)
    t.match(text, /third-party client.*\/oauth2\/userinfo.*`resource` \(docs\/resource-tokens\.md\)/s)
    t.notMatch(text, token)
  })
})
