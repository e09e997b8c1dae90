import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createTokens } from '../../src/base/authgear/admin-api/token.ts'
import { openAdminApi } from '../../src/base/authgear/admin-api/client.ts'
import { readPage } from '../../src/parts/audit-log/client.ts'
import type { Second } from '../../src/parts/audit-log/entry.ts'
import { AuditError } from '../../src/parts/audit-log/errors.ts'
import { systemClock } from '../../src/base/clock.ts'
import { APP_ID, KEY_ID, PRIVATE_KEY } from '../helpers/audit.ts'
import type { Exchange } from '../helpers/recorded.ts'

const PROJECT = 'auth.lab.test'
/** The deadline is not what is tested. */
const LIMITS = { connections: 1, deadlineMs: 120_000, maxBodyBytes: 10_000 }
const { exchanges } = JSON.parse(
  readFileSync(new URL('../fixtures/resolver-2.json', import.meta.url), 'utf8')
) as Readonly<{ exchanges: readonly Exchange[] }>
/** An Authgear with several projects, asked for one of them at its Admin API. */
const recorded = exchanges.filter(({ name }) => name.startsWith('admin-database-source/'))
const unknown = recorded.find(({ name }) => name.endsWith('TRUST_PROXY=true/neither'))?.response.body

/** The host that names the project; by the recordings below. */
const hostOf = (headers: IncomingHttpHeaders, trustsProxy: boolean): unknown =>
  (trustsProxy ? headers['x-forwarded-host'] : undefined) ?? headers.host

for (const { name, request, response } of recorded) {
  t.test(`the real Authgear finds the project by that header: ${name.split('/').slice(1).join(', ')}`, async (t) => {
    const headers = Object.fromEntries(request.headers.map(([key, value]) => [key.toLowerCase(), value]))
    const isKnown = hostOf(headers, name.includes('TRUST_PROXY=true')) === PROJECT
    t.equal(isKnown, response.status === 200)
    if (!isKnown) t.equal(response.body, unknown)
  })
}

/** Our own request, to an Authgear that finds its project so. @returns what the client makes of the answer */
async function askFor (t: Test, host: string, trustsProxy: boolean): Promise<string> {
  const server = createServer(({ headers }, answer) => {
    const isKnown = hostOf(headers, trustsProxy) === PROJECT
    answer.statusCode = isKnown ? 200 : 404
    answer.end(isKnown ? '{"data":{"auditLogs":{"edges":[],"totalCount":0}}}' : unknown)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const api = openAdminApi({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    endpoint: { host, scheme: 'https' },
    ca: undefined,
    token: createTokens({ pem: PRIVATE_KEY, keyId: KEY_ID }, APP_ID, systemClock)
  }, LIMITS)
  t.teardown(async () => { await api.close(); server.close() })
  return await api.query('', {}).then(({ status, body }) => readPage({ status, body, now: 0 as Second })).then(
    () => 'found', (error: unknown) => error instanceof AuditError ? `${error.kind}: ${error.message}` : String(error)
  )
}

for (const trustsProxy of [true, false]) {
  t.test(`our request names the project, TRUST_PROXY=${trustsProxy}`, async (t) => {
    t.equal(await askFor(t, PROJECT, trustsProxy), 'found')
    t.match(await askFor(t, 'auth.other.test', trustsProxy), /^misplaced: .*AUTHGEAR_ENDPOINT/)
  })
}

t.equal(recorded.length, 4, 'all four are there')
