import t from 'tap'
import { startInProcess } from '../../../helpers/in-process.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { ask } from '../../../helpers/request.ts'
import { machineClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'

const QUERY = `resource=${encodeURIComponent(RESOURCE)}`

/** What a route says beside its resource, and what its own client and another one get. */
const ALLOW_LIST: ReadonlyArray<readonly [policy: string, own: number, other: number]> = [
  ['client=dcrc_1', 200, 403],
  ['client=dcrc_1,x&client=dcrc_1', 200, 403],
  ['client=x', 403, 403],
  ['', 403, 403],
  ['scope=read:orders', 403, 403]
]

t.test('with RESOURCE_CLIENTS=allow-list only clients that the route names get in', async (t) => {
  const [issuer, clock] = [await startIssuer(t), manualClock()]
  const { port, lines } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, RESOURCE_CLIENTS: 'allow-list', clock
  })
  clock.advance(60_000) // it began a minute ago
  const tokenOf = (clientId: string): string =>
    signed(machineClaims(issuer.url, clock.wall(), { client_id: clientId, sub: `client_id_${clientId}` }))
  const statusOf = async (path: string, clientId: string, policy?: string): Promise<number> => {
    const headers = [
      ['Authorization', `Bearer ${tokenOf(clientId)}`] as const,
      ...policy === undefined ? [] : [['x-forward-auth-policy', policy] as const]
    ]
    return (await ask(port, { path, headers })).status
  }
  for (const [policy, own, other] of ALLOW_LIST) {
    for (const endpoint of ['/resource', '/resource-or-session']) {
      const path = `${endpoint}?${QUERY}&${policy}`.replace(/&$/, '')
      t.strictSame([await statusOf(path, 'dcrc_1'), await statusOf(path, 'dcrc_2')], [own, other], path)
    }
    const text = `${QUERY}&${policy}`.replace(/&$/, '')
    t.strictSame(
      [await statusOf('/ext-authz/x', 'dcrc_1', text), await statusOf('/ext-authz/x', 'dcrc_2', text)], [own, other]
    )
  }
  t.equal(await statusOf(`/resource?${QUERY}`, 'dcrc_1', 'client=dcrc_1'), 403, 'the header may be the client’s own')
  t.ok(lines.some(({ policy }) => String(policy).includes('RESOURCE_CLIENTS=allow-list')), 'the log says why')
})
