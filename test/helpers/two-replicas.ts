import type { Test } from 'tap'
import { adminApi } from './audit.ts'
import { startProcess } from './process.ts'
import { startRedis } from './redis.ts'
import { ask, type HeaderLine } from './request.ts'
import { startSimulator, type RunningSimulator } from './simulator.ts'

export const MANAGEMENT_TOKEN = 'the-management-token-of-this-test'
/** The id of no user. */
export const NOBODY = 'a0000000-0000-4000-8000-00000000ffff'

/**
 * Two replicas that remember each answer for ten minutes, and their Authgear, which has an Admin API.
 * @param more what they are told beside it; without the Admin API they follow no audit log
 */
export async function startTwoReplicas (
  t: Test, more: (authgear: RunningSimulator) => Readonly<Record<string, string>> = () => ({})
) {
  const [redis, authgear] = await Promise.all([startRedis(t), startSimulator(t, { adminApi })])
  const env = {
    AUTHGEAR_ENDPOINT: authgear.url,
    REDIS_URL: redis.url,
    CACHE_SECRET: 'x'.repeat(32),
    CACHE_TTL: '10m',
    MANAGEMENT_TOKEN,
    ...more(authgear)
  }
  const replicas = await Promise.all([startProcess(t, env), startProcess(t, env)])
  const statuses = async (header: HeaderLine): Promise<readonly number[]> =>
    await Promise.all(replicas.map(async ({ port }) =>
      (await ask(port, { path: '/verify', headers: [header] })).status))
  const asked = (cookie: string): Promise<readonly number[]> => statuses(['Cookie', `session=${cookie}`])
  const askedWith = (token: string): Promise<readonly number[]> => statuses(['Authorization', `Bearer ${token}`])
  return { authgear, env, asked, askedWith, managementUrl: replicas[0].managementUrl }
}
