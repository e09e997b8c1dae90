import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { systemClock } from '../../../../src/base/clock.ts'
import { startProcess } from '../../../helpers/process.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { AHEAD_MS, statusOfToken as statusOf } from '../../../helpers/token-fleet.ts'
import { machineClaims, RESOURCE, signed, startIssuer } from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'

t.test('a replica that was frozen refuses what was revoked with its first answer', async (t) => {
  const [issuer, redis] = [await startIssuer(t), await startRedis(t)]
  const env = {
    AUTHGEAR_ENDPOINT: issuer.url,
    AUTHGEAR_RESOLVER_URL: `${issuer.url}/resolve`,
    RESOURCES: RESOURCE,
    REDIS_URL: redis.url,
    CACHE_SECRET: 's'.repeat(32),
    MANAGEMENT_TOKEN: 'a management token'
  }
  const [near, frozen] = [await startProcess(t, env), await startProcess(t, env)]
  const token = signed(machineClaims(issuer.url, systemClock.wall() + AHEAD_MS))
  await until('both follow', async () => await statusOf(near, token) === 200 && await statusOf(frozen, token) === 200)
  process.kill(frozen.pid, 'SIGSTOP')
  const purge = await fetch(`${near.managementUrl}/revocations`, {
    method: 'POST',
    headers: { authorization: 'Bearer a management token', 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: 'machine' })
  })
  t.equal(purge.status, 200)
  t.equal(await statusOf(near, token), 401)
  // longer than it may go on as if it followed: it asks nobody, and so must not believe itself
  await sleep(3500)
  const answers = Array.from({ length: 5 }, () => statusOf(frozen, token))
  process.kill(frozen.pid, 'SIGCONT')
  t.notOk((await Promise.all(answers)).includes(200), 'none before it has read the log')
  await until('it has read it', async () => await statusOf(frozen, token) === 401)
})
