import t, { type Test } from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'

const ALICE: readonly HeaderLine[] = [['Authorization', `Bearer ${demo.alice.accessToken}`]]
const BOB: readonly HeaderLine[] = [['Authorization', `Bearer ${demo.bob.accessToken}`]]
type Mode = 'optional' | 'required'
type StatusOf = (path: string, headers?: readonly HeaderLine[]) => Promise<number>

async function start (t: Test, extAuthzPolicy: Mode): Promise<StatusOf> {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, EXT_AUTHZ_POLICY: extAuthzPolicy })
  return async (path, headers = BOB) => (await ask(port, { path, headers })).status
}

/** What each says of Bob, who has no role and is not verified. */
const SEGMENTS: ReadonlyArray<readonly [path: string, status: number]> = [
  ['/ext-authz/~', 200],
  ['/ext-authz/~/', 200],
  ['/ext-authz/~/the/clients/own', 200],
  ['/ext-authz/~?role=admin', 200],
  ['/ext-authz/~login=off/x', 200],
  ['/ext-authz/~role=admin', 403],
  ['/ext-authz/~role=admin/', 403],
  ['/ext-authz/~role=admin/x?role=', 403],
  ['/ext-authz/~role=admin?x', 403],
  ['/ext-authz/~verified=true/x', 403],
  ['/ext-authz/~anonymous=false&role=admin/x', 403],
  ['/ext-authz/~role=ad%6Din/x', 403],
  // what a gateway or a client could make of it is never less than what was written
  ['/ext-authz/~role=admin/../x', 403],
  ['/ext-authz/~role=admin/../~/x', 403],
  ['/ext-authz/~role=admin/..%2f~/x', 403],
  ['/ext-authz/~role%3Dadmin/x', 403],
  ['/ext-authz/~rol=admin/x', 403],
  ['/ext-authz/~role=/x', 403],
  ['/ext-authz/~role/x', 403],
  ['/ext-authz/~role=admin%/x', 403],
  ['/ext-authz/~role=admin%2F..%2F~/x', 403],
  ['/ext-authz/~role=admin;x/x', 403],
  ['/ext-authz/~resource=https:%2F%2Fapi.example.com/x', 403],
  [`/ext-authz/~${'role=a&'.repeat(1200)}role=a/x`, 403]
]

for (const mode of ['optional', 'required'] as const) {
  t.test(`EXT_AUTHZ_POLICY=${mode}: the first segment is the policy, and nothing else of the path is`, async (t) => {
    const statusOf = await start(t, mode)
    for (const [path, status] of SEGMENTS) t.equal(await statusOf(path), status, path.slice(0, 60))
    t.equal(await statusOf('/ext-authz/~role=admin/x', ALICE), 200)
    t.equal(await statusOf('/ext-authz/~role=admin&verified=true/x', ALICE), 200)
    t.equal(await statusOf('/ext-authz/~role=%65ditor/x', ALICE), 200, 'values are decoded once')
  })

  t.test(`EXT_AUTHZ_POLICY=${mode}: a header's policy and the segment's both apply`, async (t) => {
    const statusOf = await start(t, mode)
    const policy = (text: string): HeaderLine => ['X-Forward-Auth-Policy', text]
    t.equal(await statusOf('/ext-authz/~/x', [...BOB, policy('role=admin')]), 403)
    t.equal(await statusOf('/ext-authz/~role=admin/x', [...BOB, policy('login=off')]), 403)
    t.equal(await statusOf('/ext-authz/~role=admin/x', [...ALICE, policy('verified=true')]), 200)
  })

  t.test(`EXT_AUTHZ_POLICY=${mode}: /verify has no segments`, async (t) => {
    const statusOf = await start(t, mode)
    t.equal(await statusOf('/verify/~/x'), 404)
    t.equal(await statusOf('/verify'), 200)
    t.equal(await statusOf('/ext-authz'), 404)
  })
}

t.test('a segment that may be the client’s chooses nothing that goes out', async (t) => {
  const simulator = await startSimulator(t)
  for (const [extAuthzPolicy, user] of [['optional', undefined], ['required', demo.alice.id]] as const) {
    const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, EXT_AUTHZ_POLICY: extAuthzPolicy })
    const { headers } = await ask(port, { path: '/ext-authz/~identity=remote&audience=other/x', headers: ALICE })
    t.equal(headers['remote-user'], user, extAuthzPolicy)
    const policy: HeaderLine = ['X-Forward-Auth-Policy', 'identity=webauth']
    const beside = await ask(port, { path: '/ext-authz/~identity=remote/x', headers: [...ALICE, policy] })
    const webauth = extAuthzPolicy === 'optional' ? demo.alice.id : undefined
    t.equal(beside.headers['x-webauth-user'], webauth, 'beside a header')
  }
})

t.test('a header beside a query may be the client’s, and chooses nothing that goes out', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url })
  const policy = (text: string): HeaderLine => ['X-Forward-Auth-Policy', text]
  const { headers } = await ask(port, { path: '/verify', headers: [...ALICE, policy('identity=remote')] })
  t.notOk('remote-user' in headers)
  const beside = await ask(port, { path: '/verify?identity=webauth', headers: [...ALICE, policy('identity=remote')] })
  t.equal(beside.headers['x-webauth-user'], demo.alice.id)
  const tighter = await ask(port, { path: '/verify', headers: [...BOB, policy('identity=remote&role=admin')] })
  t.equal(tighter.status, 403, 'it still tightens')
  const garbage = await ask(port, { path: '/verify', headers: [...ALICE, policy('identity=x')] })
  t.equal(garbage.status, 403, 'and is still read')
})

/** A segment that is not there, or is not the first. */
const WITHOUT = [
  '/ext-authz/', '/ext-authz/x', '/ext-authz//~/x', '/ext-authz/x/~/y', '/ext-authz/?~', '/ext-authz/%7E/x',
  '/ext-authz/./~/x', '/ext-authz/../~/x', '/ext-authz/role=admin/x'
]

t.test('without a segment the path is the client’s, as before', async (t) => {
  const statusOf = await start(t, 'optional')
  for (const path of WITHOUT) t.equal(await statusOf(path), 200, path)
})

t.test('EXT_AUTHZ_POLICY=required refuses a prefix without a segment', async (t) => {
  const statusOf = await start(t, 'required')
  for (const path of WITHOUT) {
    t.equal(await statusOf(path), 403, path)
    t.equal(await statusOf(path, [...ALICE, ['X-Forward-Auth-Policy', 'role=admin']]), 403, path)
    t.equal(await statusOf(path, []), 401, path)
  }
})
