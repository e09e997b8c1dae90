import { createServer } from 'node:http'
import t, { type Test } from 'tap'
import { adminApi } from '../../../helpers/audit.ts'
import { type Environment, startInProcess } from '../../../helpers/in-process.ts'
import { listenFree } from '../../../helpers/listen-free.ts'
import { ask, type Answer, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { profileSettings } from '../profile-settings.ts'

const NAVIGATION: readonly HeaderLine[] = [['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']]

async function start (t: Test) {
  const simulator = await startSimulator(t, { adminApi, hosts: ['127.0.0.1'] })
  const replica = (env: Environment) => startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...env })
  return { simulator, replica }
}

const accountOn = ({ body }: Answer): string | undefined => /You are signed in as <b>([^<]*)</.exec(body)?.[1]

t.test('the page of a 403 names the e-mail or the name, at once and to nobody else', async (t) => {
  const { simulator, replica } = await start(t)
  simulator.controls.setAttributes('bob', { name: '小明 陳', preferred_username: 'bob' })
  const one = await replica(profileSettings(simulator.url))
  const open = (headers: readonly HeaderLine[], query = '?role=nobody'): Promise<Answer> =>
    ask(one.port, { path: `/verify${query}`, headers })
  const as = (who: 'alice' | 'bob'): HeaderLine => ['Authorization', `Bearer ${demo[who].accessToken}`]
  for (let round = 0; round < 2; round++) {
    const [alice, bob] = await Promise.all([open([as('alice'), ...NAVIGATION]), open([as('bob'), ...NAVIGATION])])
    t.strictSame([accountOn(alice), accountOn(bob)], ['alice@example.com', '小明 陳'])
    t.notMatch(alice.body + JSON.stringify(alice.headers), '小明')
    t.notMatch(bob.body + JSON.stringify(bob.headers), 'alice')
  }
  const others = await Promise.all([
    open([as('alice')]), open(NAVIGATION), open([as('alice'), ...NAVIGATION], '?amr=mfa'),
    open([['Authorization', `Bearer ${'x'.repeat(32)}`], ...NAVIGATION])
  ])
  t.strictSame(others.map(({ status }) => status), [403, 401, 401, 401])
  for (const { body } of others) t.notMatch(body, /alice|signed in as/, 'a program, nobody, a step-up, an unknown token')
})

t.test('an Admin API that hangs delays the page by PROFILE_TIMEOUT at most', async (t) => {
  const hangs = await listenFree(t, createServer(() => {}))
  const { simulator, replica } = await start(t)
  const settings = { ...profileSettings(simulator.url), AUTHGEAR_ADMIN_API_URL: `http://127.0.0.1:${hangs}/graphql` }
  const one = await replica({ ...settings, PROFILE_TIMEOUT: '1ms' })
  const answer = await ask(one.port, {
    path: '/verify?role=nobody', headers: [['Authorization', `Bearer ${demo.bob.accessToken}`], ...NAVIGATION]
  })
  t.equal(answer.status, 403)
  t.equal(accountOn(answer), `${demo.bob.id.slice(0, 8)}…`)
})
