import t, { type Test } from 'tap'
import { GIVEN_UP, giveUp, openManagement } from '../../../helpers/given-up.ts'
import { MANAGEMENT_TOKEN } from '../../../helpers/in-process.ts'
import { type Service, startProcess } from '../../../helpers/process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { RESOURCE, startIssuer } from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'

const CLIENT = 'dcrc_1'

async function startTwo (t: Test): Promise<readonly [Service, Service]> {
  const [issuer, redis] = [await startIssuer(t), await startRedis(t)]
  const env = {
    AUTHGEAR_ENDPOINT: issuer.url,
    AUTHGEAR_RESOLVER_URL: `${issuer.url}/resolve`,
    RESOURCES: RESOURCE,
    REDIS_URL: redis.url,
    CACHE_SECRET: 's'.repeat(32),
    MANAGEMENT_TOKEN
  }
  return [await startProcess(t, env), await startProcess(t, env)]
}

async function call ({ managementUrl }: Service, method: string, path: string): Promise<Response> {
  return await fetch(`${managementUrl}${path}`, { method, headers: { authorization: `Bearer ${MANAGEMENT_TOKEN}` } })
}

/** Said again as an operator does it: on a busy machine the second for its confirmation may be over first. */
async function block (service: Service): Promise<void> {
  await until('it is blocked', async () => (await call(service, 'PUT', `/clients/${CLIENT}/block`)).status === 200)
}

async function blockedAt (service: Service): Promise<readonly unknown[]> {
  const { blocked } = await (await call(service, 'GET', '/clients')).json() as { blocked: Array<{ name: string }> }
  return blocked.map(({ name }) => name)
}

for (const isOpen of [true, false]) {
  const where = isOpen ? 'an open connection' : 'a new connection'
  t.test(`a frozen replica drops a lift that was given up on ${where}`, async (t) => {
    const [near, frozen] = await startTwo(t)
    await block(near)
    await until('the other replica knows', async () => (await blockedAt(frozen)).includes(CLIENT))
    const opened = isOpen ? await openManagement(frozen) : undefined
    process.kill(frozen.pid, 'SIGSTOP')
    await giveUp(opened ?? await openManagement(frozen), `DELETE /clients/${CLIENT}/block`)
    await block(near)
    process.kill(frozen.pid, 'SIGCONT')
    await until('it looked at the lift', () =>
      frozen.logs().includes(GIVEN_UP) || frozen.logs().includes('unblocked by the management listener'))
    for (const one of [near, frozen]) t.strictSame(await blockedAt(one), [CLIENT])
  })
}
