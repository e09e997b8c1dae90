import t, { type Test } from 'tap'
import { startInProcess, type Environment } from '../../../helpers/in-process.ts'
import { metricOf } from '../../../helpers/in-process-on-clock.ts'
import { ask, type Answer, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'

const NAVIGATION: readonly HeaderLine[] = [['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']]

async function start (t: Test, more: Environment = {}) {
  const simulator = await startSimulator(t)
  const one = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...more })
  const open = (token: string, path = '/verify?role=nobody', lines = NAVIGATION): Promise<Answer> =>
    ask(one.port, { path, headers: [['Authorization', `Bearer ${token}`], ...lines] })
  return { one, open }
}

const accountOn = ({ body }: Answer): string | undefined => /You are signed in as <b>([^<]*)</.exec(body)?.[1]

t.test('without profiles a 403 names the account by the beginning of its id', async (t) => {
  const { open } = await start(t)
  const answer = await open(demo.bob.accessToken)
  t.equal(answer.status, 403)
  t.equal(accountOn(answer), `${demo.bob.id.slice(0, 8)}…`)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['vary'], 'Authorization, Cookie, Accept-Language')
})

t.test('a 403 says what is missing, by the policy and in words of the operator', async (t) => {
  const { open } = await start(t, { DENIED_TEXT: 'Ask Kim.', SUPPORT_URL: '/help', BRAND_NAME: 'Acme' })
  const { body } = await open(demo.bob.accessToken, '/verify?role=nobody&name=Finance_reports')
  t.match(body, 'What is missing: <b>Finance reports</b>.')
  t.match(body, '<p lang="">Ask Kim.</p>')
  t.match(body, '<a href="/help">Get help</a>')
  t.match(body, '<title>No access with this account · Acme</title>')
  const twice = await open(demo.bob.accessToken, '/verify?role=nobody&name=A&name=B')
  t.equal(twice.status, 403)
  t.notMatch(twice.body, 'What is missing')
  const byHeader = await open(
    demo.bob.accessToken, '/verify?role=nobody', [...NAVIGATION, ['X-Forward-Auth-Policy', 'name=Spoofed']]
  )
  t.notMatch(byHeader.body, 'Spoofed', 'a client has no say in it')
  const program = await open(demo.bob.accessToken, '/verify?role=nobody&name=Finance', [])
  t.notMatch(program.body, /Finance|Kim/)
})

t.test('pages are in the language of the browser, and programs get what they got', async (t) => {
  const { open } = await start(t)
  const german: HeaderLine = ['Accept-Language', 'de-DE,de;q=0.9']
  const { body } = await open(demo.bob.accessToken, '/verify?role=nobody', [...NAVIGATION, german])
  t.match(body, /<html lang="de">[^]*<h1>Kein Zugriff mit diesem Konto<\/h1>/)
  const program = await open(demo.bob.accessToken, '/verify?role=nobody', [german])
  t.match(JSON.parse(program.body), { error: 'forbidden', message: 'You are not allowed to open this page.' })
  t.equal(program.headers['vary'], 'Authorization, Cookie')
  const many: HeaderLine = ['Accept-Language', 'a,'.repeat(4000)]
  const worst = await open(demo.bob.accessToken, '/verify?role=nobody', [...NAVIGATION, many])
  t.match(worst.body, '<html lang="en">')
})

t.test('an icon that a browser requests automatically is refused, and counted apart', async (t) => {
  const { one } = await start(t)
  for (const uri of ['/favicon.ico', '/favicon.ico?v=2', '/favicon.ico/admin', '/']) {
    const { status } = await ask(one.port, { path: '/verify', headers: [['X-Forwarded-Uri', uri]] })
    t.equal(status, 401)
  }
  const counted = (reason: string): Promise<number> =>
    metricOf(one, `forward_auth_requests_total{endpoint="verify",status="401",reason="${reason}",source="none"}`)
  t.strictSame(await Promise.all([counted('favicon'), counted('no_credentials')]), [2, 2])
})
