import t, { type Test } from 'tap'
import { startInProcess, type InProcess } from '../helpers/in-process.ts'
import { managementOf } from '../helpers/management.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const TOKEN = 'a management token of the tests'
const { alice, bob } = demo

async function start (t: Test, managementToken?: string) {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, MANAGEMENT_TOKEN: managementToken })
  const management = managementOf(t, adapter.service)
  const purge = (payload: unknown, authorization = `Bearer ${TOKEN}`) =>
    management.inject({
      method: 'POST',
      url: '/revocations',
      headers: { authorization, 'content-type': 'application/json' },
      payload: JSON.stringify(payload)
    })
  return { simulator, adapter, purge }
}

const sourceOf = async ({ port }: InProcess, header: readonly [string, string]): Promise<unknown> =>
  (await ask(port, { path: '/verify', headers: [header] })).headers['x-forward-auth-source']
const bearer = (token: string): readonly [string, string] => ['Authorization', `Bearer ${token}`]
const session = (cookie: string): readonly [string, string] => ['Cookie', `session=${cookie}`]

const ROWS: ReadonlyArray<readonly [string, unknown, Readonly<Record<string, 'forgotten' | 'kept'>>]> = [
  ['a user', { user_id: alice.id }, { aliceToken: 'forgotten', aliceCookie: 'forgotten', bobToken: 'kept' }],
  ['a bearer token', { authorization: `Bearer ${alice.accessToken}` },
    { aliceToken: 'forgotten', aliceCookie: 'kept', bobToken: 'kept' }],
  ['a session cookie', { cookie: `x=1; session=${alice.cookie}` },
    { aliceToken: 'kept', aliceCookie: 'forgotten', bobToken: 'kept' }],
  ['another cookie of the same session', { cookie: `session=${alice.cookie.split('.')[0]}.another` },
    { aliceToken: 'kept', aliceCookie: 'forgotten', bobToken: 'kept' }],
  ['everything', { all: true }, { aliceToken: 'forgotten', aliceCookie: 'forgotten', bobToken: 'forgotten' }]
]

for (const [name, body, expected] of ROWS) {
  t.test(`purging ${name}`, async (t) => {
    const { adapter, purge } = await start(t, TOKEN)
    const people = {
      aliceToken: bearer(alice.accessToken), aliceCookie: session(alice.cookie), bobToken: bearer(bob.accessToken)
    }
    for (const header of Object.values(people)) t.equal(await sourceOf(adapter, header), 'authgear')
    const answer = await purge(body)
    t.match({ status: answer.statusCode, body: answer.json() },
      { status: 200, body: { status: 'logged', position: /^\d+-\d+$/ } })
    for (const [who, header] of Object.entries(people)) {
      t.equal(await sourceOf(adapter, header), expected[who] === 'kept' ? 'memory' : 'authgear', who)
    }
    const audit = adapter.lines.filter(({ msg }) => msg === 'revoked by the management listener')
    t.equal(audit.length, 1, 'one audit line')
    t.notOk(
      JSON.stringify(adapter.lines).includes(alice.accessToken) || JSON.stringify(adapter.lines).includes(alice.cookie),
      'no credential in the log'
    )
  })
}

t.test('refuses requests without permission, and malformed ones', async (t) => {
  const { purge } = await start(t, TOKEN)
  for (const authorization of [
    '', 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, TOKEN, `bearer ${TOKEN}`
  ]) {
    t.equal((await purge({ all: true }, authorization)).statusCode, 401, authorization)
  }
  for (const body of [
    {},
    { user_id: '' },
    { user_id: 7 },
    { user_id: '\ud800' },
    { user_id: 'u'.repeat(257) },
    { user_id: 'abc ' },
    { client_id: ' abc' },
    { all: false },
    { all: 'true' },
    { user_id: 'a', all: true },
    { authorization: 'Basic x' },
    { authorization: 'Bearer a,b' },
    { cookie: 'a=b' },
    [],
    null,
    'x'
  ]) {
    const answer = await purge(body)
    t.equal(answer.statusCode, 400, JSON.stringify(body))
  }
})

t.test('without MANAGEMENT_TOKEN there is no such path', async (t) => {
  const { purge } = await start(t)
  t.equal((await purge({ all: true })).statusCode, 404)
})
