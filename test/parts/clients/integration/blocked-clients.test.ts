import t from 'tap'
import { startInProcess } from '../../../helpers/in-process.ts'
import { type Answered, type InProcessOver, startInProcessOver, WITH_GRPC } from '../../../helpers/in-process-over.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask } from '../../../helpers/request.ts'
import { seriesOf } from '../../../helpers/series.ts'
import { makeTls } from '../../../helpers/tls.ts'
import { type Issuer, machineClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'

const tls = makeTls(t)
const QUERY = `resource=${encodeURIComponent(RESOURCE)}`
const CLIENTS_BLOCKED = 'dcrc_1 https://evil.example https://*.evil.example https://shared.example/bad.json'
const METADATA = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"'

const BLOCKED: readonly string[] = [
  'dcrc_1',
  'https://evil.example/agent.json',
  'https://EVIL.example.:443/agent.json',
  'https://good.example@evil.example/agent.json',
  'https://a.b.evil.example/agent.json',
  'https://shared.example/b%61d.json'
]
const FREE: readonly string[] = [
  'dcrc_2',
  'https://notevil.example/agent.json',
  'https://evil.example@good.example/agent.json',
  'https://shared.example/good.json'
]

type TokenOf = (clientId: string) => string

/** Of a replica that began a minute ago. */
function tokensOf (issuer: Issuer, clock: ReturnType<typeof manualClock>): TokenOf {
  clock.advance(60_000)
  return (clientId) =>
    signed(machineClaims(issuer.url, clock.wall(), { client_id: clientId, sub: `client_id_${clientId}` }))
}

/** How a proxy asks about a route for the resource. */
const WAYS: ReadonlyArray<readonly [path: string, headers: Readonly<Record<string, string>>]> = [
  [`/resource?${QUERY}`, {}],
  [`/resource-or-session?${QUERY}`, {}],
  ['/ext-authz/x', { 'x-forward-auth-policy': QUERY }]
]

async function answers (replica: InProcessOver, token: string): Promise<readonly Answered[]> {
  return await Promise.all(WAYS.map(([path, headers]) =>
    replica.ask({ path, headers: { ...headers, authorization: `Bearer ${token}` } })))
}

for (const protocol of WITH_GRPC) {
  t.test(`over ${protocol} a blocked client is refused on each endpoint, and nobody else is`, async (t) => {
    const [issuer, clock] = [await startIssuer(t), manualClock()]
    const options = { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, CLIENTS_BLOCKED, clock }
    const replica = await startInProcessOver(t, protocol, tls, options)
    const tokenOf = tokensOf(issuer, clock)
    for (const clientId of BLOCKED) {
      const token = tokenOf(clientId)
      for (let time = 0; time < 2; time++) {
        for (const { status, headers, body } of await answers(replica, token)) {
          t.equal(status, 401, clientId)
          t.match(headers['x-forward-auth-reason'], 'client_blocked')
          t.match(headers['www-authenticate'], `Bearer error="invalid_token", ${METADATA}`)
          t.match(JSON.parse(body), { error: 'client_blocked', message: /is blocked here/ })
        }
      }
    }
    for (const clientId of FREE) {
      for (const { status } of await answers(replica, tokenOf(clientId))) t.equal(status, 200, clientId)
    }
  })
}

t.test('a policy in the path refuses a blocked client, too', async (t) => {
  const [issuer, clock] = [await startIssuer(t), manualClock()]
  const { port } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, CLIENTS_BLOCKED, EXT_AUTHZ_POLICY: 'required', clock
  })
  const tokenOf = tokensOf(issuer, clock)
  const statusOf = async (clientId: string): Promise<number> => {
    const headers = [['Authorization', `Bearer ${tokenOf(clientId)}`]] as const
    return (await ask(port, { path: `/ext-authz/~${QUERY}/x`, headers })).status
  }
  t.equal(await statusOf('dcrc_1'), 401)
  t.equal(await statusOf('dcrc_2'), 200)
})

t.test('the metrics say so, and the log without the client’s id', async (t) => {
  const [issuer, clock] = [await startIssuer(t), manualClock()]
  const { port, service, lines } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, CLIENTS_BLOCKED, clock
  })
  const token = tokensOf(issuer, clock)('dcrc_1')
  await ask(port, { path: `/resource?${QUERY}`, headers: [['Authorization', `Bearer ${token}`]] })
  const series = seriesOf(await service.metrics.render())
  const [found] = [...series].filter(([name]) => name.includes('reason="client_blocked"'))
  t.match(found, [/^forward_auth_requests_total\{endpoint="resource",status="401"/, 1])
  t.equal(lines.filter(({ reason }) => reason === 'client_blocked').length, 1)
  t.notMatch(JSON.stringify(lines), 'dcrc_1')
})
