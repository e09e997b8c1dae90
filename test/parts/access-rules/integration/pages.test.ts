import t, { type Test } from 'tap'
import { adminApi } from '../../../helpers/audit.ts'
import { startInProcess } from '../../../helpers/in-process.ts'
import { type Answer, ask, type HeaderLine } from '../../../helpers/request.ts'
import { demo, startSimulator } from '../../../helpers/simulator.ts'
import { profileSettings } from '../../profile/profile-settings.ts'

const NAVIGATION: readonly HeaderLine[] = [['Sec-Fetch-Mode', 'navigate'], ['Sec-Fetch-Dest', 'document']]
const RULES = 'email=secret.person@example.com,other@example.net email_domain=hidden.example group=board'

async function start (t: Test, allow: string) {
  const simulator = await startSimulator(t, { adminApi, hosts: ['127.0.0.1'] })
  const replica = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url, ...profileSettings(simulator.url), ALLOW: allow
  })
  const open = (lines = NAVIGATION, policy = ''): Promise<Answer> => ask(replica.port, {
    path: `/verify?${policy}`, headers: [['Authorization', `Bearer ${demo.alice.accessToken}`], ...lines]
  })
  const set = (attributes: Readonly<Record<string, unknown>>): void =>
    simulator.controls.setAttributes('alice', attributes)
  return { open, set, url: simulator.url }
}

const verified = (email: string) => ({ email, email_verified: true })

t.test('a 403 says which kind of rule refuses the person, and not what it allows', async (t) => {
  for (const [rule, attributes, sentence] of [
    [RULES, { email: 'alice@hidden.example', email_verified: false }, 'No e-mail address of this account is verified.'],
    [RULES, {}, 'No e-mail address of this account is verified.'],
    [
      RULES,
      verified('alice@example.com'),
      'The e-mail address of this account is not on the list of allowed addresses.'
    ],
    ['group=board', verified('alice@example.com'), 'This account is in none of the groups that may open this page.'],
    ['role=board', verified('alice@example.com'), 'This account may not open this page.']
  ] as const) {
    const { open, set, url } = await start(t, rule)
    set(attributes)
    const { status, body, headers } = await open()
    t.equal(status, 403)
    t.match(body, `<p>${sentence}</p>`, rule)
    t.notMatch(body, /secret|other@|example\.net|hidden\.example|board/, 'nothing of the list')
    t.equal(body.includes(`<a href="${url}/settings">`), sentence.startsWith('No e-mail'), 'where to verify it')
    t.equal(headers['location'], undefined)
    const program = await open([])
    t.strictSame(JSON.parse(program.body), { error: 'forbidden', message: 'You are not allowed to open this page.' })
  }
})

t.test('a page of an app with rules of its own says the kind of its rule, too', async (t) => {
  const { open, set } = await start(t, 'anyone')
  set(verified('alice@example.com'))
  for (const [policy, sentence] of [
    ['email_domain=hidden.example', 'The e-mail address of this account is not on the list of allowed addresses.'],
    ['group=board', 'This account is in none of the groups that may open this page.'],
    ['role=board', 'This account may not open this page.']
  ] as const) {
    const { status, body } = await open(NAVIGATION, policy)
    t.equal(status, 403)
    t.match(body, `<p>${sentence}</p>`, policy)
  }
})

t.test('a 403 names an address as text, whatever it is, and none that misleads', async (t) => {
  const longest = `${'x'.repeat(242)}@example.com`
  for (const [email, account] of [
    ['"<b>&\'@example.com', '&quot;&lt;b&gt;&amp;&#39;@example.com'],
    [longest, longest],
    ['\u202emoc.elpmaxe@ecila', undefined],
    ['alice\u200b@example.com', undefined],
    ['alice\u0007@example.com', undefined]
  ] as const) {
    const { open, set } = await start(t, 'email=kim@example.com')
    set(verified(email))
    const named = /signed in as <b>([^<]*)<\/b>/.exec((await open()).body)?.[1]
    t.equal(named, account ?? `${demo.alice.id.slice(0, 8)}…`, JSON.stringify(email))
  }
})
