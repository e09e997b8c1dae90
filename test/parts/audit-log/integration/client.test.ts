import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { AuditError, type AuditErrorKind } from '../../../../src/parts/audit-log/errors.ts'
import { createAuditClient, type AuditClient } from '../../../../src/parts/audit-log/client.ts'
import { openAdminApi } from '../../../../src/base/authgear/admin-api/client.ts'
import { createTokens, type AdminKey } from '../../../../src/base/authgear/admin-api/token.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { adminApi, APP_ID, KEY_ID, PRIVATE_KEY } from '../../../helpers/audit.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { recordedAudit } from '../recorded.ts'
import { startSimulator, type AuditFailure } from '../../../helpers/simulator.ts'
import { makeTls } from '../../../helpers/tls.ts'

const WINDOW = { from: undefined, to: undefined, types: ['USER_SIGNED_OUT'] }
const KEY: AdminKey = { pem: PRIVATE_KEY, keyId: KEY_ID }

interface OpenOptions {
  readonly key?: AdminKey
  readonly appId?: string
  readonly clock?: typeof systemClock
  readonly ca?: string
  readonly deadlineMs?: number
}

function openClient (
  t: Pick<Test, 'teardown'>,
  url: string,
  { key = KEY, appId = APP_ID, clock = systemClock, ca, deadlineMs = 30_000 }: OpenOptions = {}
): AuditClient {
  const token = createTokens(key, appId, clock)
  const endpoint = { host: 'auth.example.com', scheme: 'https' } as const
  const client = createAuditClient({
    openAdminApi: (limits) => openAdminApi({ url, endpoint, ca, token }, limits), clock, deadlineMs
  })
  t.teardown(client.close)
  return client
}

const kindOf = (error: unknown): string => error instanceof AuditError ? error.kind : `no AuditError: ${String(error)}`

/** In one word: how many of how many, or why not. */
const outcomeOf = (client: AuditClient): Promise<string> =>
  client.page(WINDOW).then(({ entries, total }) => `${entries.length} of ${total}`, kindOf)

/**
 * By the table in docs/audit-log.md, "Troubleshooting"; what is not here and has no `auditLogs` is the answer to
 * another question.
 */
const ERRORS: ReadonlyArray<readonly [what: RegExp, kind: AuditErrorKind]> = [
  [
    /^jwt: (no token|empty|Bearer without|garbage|bearer in lower|two Authorization|token in|wrong|missing kid|RS512|PS256|HS256|alg none|aud missing|aud =|aud APP|expired (302|3600)|(iat|nbf) (302|3600)|GET Graph|text\/plain)/,
    'forbidden'
  ],
  [
    /^jwt: (unknown path|OPTIONS|main server)|^http: (\/graphql\/|\/api\/graphql|OPTIONS)|^(POST \/(logout|settings)|GET \/oauth2)/,
    'misplaced'
  ],
  [/^http: content type text/, 'content_type'],
  [/^http: (malformed|no body|six)/, 'refused'],
  [/^paging: syntax error|^http: batch|main database down/, 'server'],
  [
    /^outage: audit.*(auditLogs|auditLogs with another field beside it|1st query|2nd query|node\(id:AuditLog\))$/,
    'log_unavailable'
  ],
  [
    /^paging: (first 2147483648|after (garbage|base64)|last 2|before only|first 2 and last|rangeFrom (not|a number|date)|sortDirection asc|activityTypes (unknown|dotted|PASSWORD)|userIDs (raw|of another)|unknown field|empty query)/,
    'query'
  ],
  [/^addUserToRoles \(2\)|^two fields, second fails/, 'query']
]

t.test('every recorded answer, byte for byte', async (t) => {
  let answer = { status: 0, type: '', body: '' }
  const server = createServer((request, response) => {
    request.resume()
      .once('end', () =>
        response.writeHead(answer.status, { 'content-type': answer.type, date: 'Wed, 25 Nov 2026 00:16:36 GMT' })
          .end(answer.body)
      )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const client = openClient(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`)
  const counts: Record<string, number> = {}
  for (const { what, response: { status, headers, body }, text } of recordedAudit()) {
    answer = { status, type: String(headers['content-type'] ?? 'text/plain'), body: text }
    const outcome = await outcomeOf(client)
    const listed = /locked for 20 s/.test(what) ? undefined : ERRORS.find(([pattern]) => pattern.test(what))?.[1]
    const log = (body as { data?: { auditLogs?: { totalCount?: number } | null } | null } | undefined)?.data?.auditLogs
    const expected = listed ?? (log?.totalCount === undefined ? 'garbage' : `of ${log.totalCount}`)
    t.ok(outcome.endsWith(expected), `${what}: ${outcome}, not ${expected}`)
    const kind = outcome.includes(' of ') ? 'page' : outcome
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  t.comment(`276 answers: ${JSON.stringify(counts)}`)
  t.equal(Object.values(counts).reduce((sum, count) => sum + count, 0), 276)
})

const simulatorFor = (t: Test) => startSimulator(t, { adminApi })

const FAULTS: ReadonlyArray<readonly [AuditFailure, AuditErrorKind]> = [
  ['unavailable', 'log_unavailable'],
  ['error', 'server'],
  ['forbidden', 'forbidden'],
  ['not-found', 'misplaced'],
  ['garbage', 'garbage'],
  ['reset', 'unreachable']
]

t.test('distinguishes each failure, and the next query works', async (t) => {
  const simulator = await simulatorFor(t)
  const client = openClient(t, `${simulator.url}/_api/admin/graphql`)
  t.ok((await client.types()).includes('USER_SIGNED_OUT'))
  for (const [fault, kind] of FAULTS) {
    simulator.controls.audit.fail(fault, 1)
    t.equal(await outcomeOf(client), kind, fault)
    t.equal(await outcomeOf(client), '0 of 0')
  }
  simulator.controls.audit.fail('hang', 1)
  t.equal(await outcomeOf(openClient(t, `${simulator.url}/graphql`, { deadlineMs: 100 })), 'timeout')
  const nobody = openClient(t, `http://127.0.0.1:${await freePort()}/graphql`)
  t.equal(await outcomeOf(nobody), 'unreachable')
  t.equal(await nobody.types().catch(kindOf), 'unreachable')
  t.equal(await outcomeOf(openClient(t, `${simulator.url}/graphql/`)), 'misplaced', 'a redirect is not followed')
  t.equal(await client.page({ ...WINDOW, types: ['NOPE'] }).catch(kindOf), 'query')
  simulator.controls.audit.hide(['USER_SIGNED_OUT'])
  t.equal(await outcomeOf(client), 'query', 'a type that an older Authgear does not know')
})

const wall = (ms: number) => ({
  ...systemClock, wall: () => (systemClock.wall() + ms) as ReturnType<typeof systemClock.wall>
})

t.test('the token: made out to the project, by its key, for a minute', async (t) => {
  const simulator = await simulatorFor(t)
  const url = `${simulator.url}/graphql`
  t.equal(await outcomeOf(openClient(t, url, { appId: 'another' })), 'forbidden')
  t.equal(await outcomeOf(openClient(t, url, { key: { ...KEY, keyId: 'another' } })), 'forbidden')
  t.equal(await outcomeOf(openClient(t, url, { clock: wall(320_000) })), '0 of 0', 'a clock that is 300 s ahead')
  t.equal(await outcomeOf(openClient(t, url, { clock: wall(400_000) })), 'forbidden')
  t.equal(await outcomeOf(openClient(t, url, { clock: wall(-320_000) })), '0 of 0', 'or behind')
  t.equal(await outcomeOf(openClient(t, url, { clock: wall(-400_000) })), 'forbidden')
  const [header, payload] = (await createTokens(KEY, APP_ID, systemClock)()).split('.')
    .map((part) => Buffer.from(part, 'base64url').toString())
  const { iat, exp, ...claims } = JSON.parse(payload ?? '') as { iat: number, exp: number }
  t.strictSame(JSON.parse(header ?? ''), { alg: 'RS256', kid: KEY_ID, typ: 'JWT' })
  t.strictSame(claims, { aud: APP_ID })
  t.equal(exp - iat, 60)
  t.ok(Math.abs(Date.now() / 1000 - 30 - iat) < 5, '30 s back')
})

const lowerCase = (headers: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

t.test('the simulator answers as Authgear was recorded to', async (t) => {
  const simulator = await simulatorFor(t)
  const token = createTokens(KEY, APP_ID, systemClock)
  let compared = 0
  for (const { what, request, response, text } of recordedAudit()) {
    const isError = typeof response.body === 'object' && response.body !== null && 'errors' in response.body
    const isAsked =
      /^http: (?!GET|six|accept)/.test(what) ||
      (/^paging: (activityTypes|rangeFrom|sortDirection|unknown field|empty query|syntax)/.test(what) &&
        (isError || response.status !== 200)) ||
      /^jwt: (no token|empty|garbage|bearer in lower|text)/.test(what)
    if (!isAsked) continue
    compared++
    const isOpen = !what.startsWith('jwt')
    const answer = await fetch(`${simulator.url}${request.path ?? '/graphql'}`, {
      method: request.method ?? 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(isOpen && { authorization: `Bearer ${await token()}` }),
        ...lowerCase(request.headers)
      },
      ...(request.method !== 'OPTIONS' && {
        body: request.body ?? JSON.stringify({ query: request.query, variables: request.variables })
      })
    })
    t.equal(answer.status, response.status, what)
    const body = await answer.text()
    if (answer.status === 200 && !isError) {
      t.match(JSON.parse(body), { data: { auditLogs: { totalCount: Number } } }, what)
    } else if (text.includes('tracking_id')) {
      t.match(body, /"error":\{"name":"(InternalError|BadRequest)","reason":"(UnexpectedError|InvalidJSON)"/, what)
    } else t.equal(text.startsWith('{') ? JSON.stringify(JSON.parse(body)) : body, text, what)
  }
  t.ok(compared > 20, `${compared} compared`)
  const closed = await startSimulator(t)
  t.equal((await fetch(`${closed.url}/graphql`, { method: 'POST' })).status, 404, 'nothing of it without a key')
})

t.test('the simulator: a hundred at most, ranges, ties, late and lost entries', async (t) => {
  const { url, controls } = await simulatorFor(t)
  const client = openClient(t, `${url}/graphql`)
  const write = (some: object = {}): void =>
    controls.audit.append({ activityType: 'USER_SIGNED_OUT', payload: {}, createdAt: 1_795_565_337, ...some })
  for (let n = 0; n < 150; n++) write()
  const pages = await Promise.all([1, 2].map(() => client.page(WINDOW)))
  t.same(pages.map(({ entries, total }) => [entries.length, total]), [[100, 150], [100, 150]])
  t.not(pages[0]?.entries.map(({ seq }) => seq).join(), pages[1]?.entries.map(({ seq }) => seq).join())
  t.equal((await client.page({ ...WINDOW, from: 1_795_565_337, to: 1_795_565_338 })).total, 150, 'from is inclusive')
  t.equal((await client.page({ ...WINDOW, from: 1_795_565_336, to: 1_795_565_337 })).total, 0, 'to is not')
  controls.audit.lose(1)
  write()
  controls.audit.late(60_000)
  write()
  t.equal((await client.page(WINDOW)).total, 150)
})

t.test('asks under the host of AUTHGEAR_ENDPOINT, by which Authgear knows a project', async (t) => {
  const { url } = await startSimulator(t, { adminApi, hosts: ['auth.example.com'] })
  t.equal(await outcomeOf(openClient(t, `${url}/graphql`)), '0 of 0')
  const other = await startSimulator(t, { adminApi, hosts: ['auth2.example.com'] })
  t.equal(await outcomeOf(openClient(t, `${other.url}/graphql`)), 'misplaced', '404 app not found')
})

t.test('verifies the Admin API’s own certificate, not one of the public endpoint', async (t) => {
  const files = makeTls(t)
  const tls = { key: readFileSync(files.keyFile, 'utf8'), cert: readFileSync(files.certFile, 'utf8') }
  const { port } = await startSimulator(t, { adminApi, tls })
  for (const host of ['127.0.0.1', 'localhost']) {
    const client = openClient(t, `https://${host}:${port}/graphql`, { ca: files.ca })
    t.equal(await outcomeOf(client), '0 of 0', host)
  }
})
