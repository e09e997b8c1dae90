import t from 'tap'
import { logKey, partKey } from '../../../../src/base/redis/keys.ts'
import { beside, checkMistakes, type Make } from '../../../helpers/doctor-world.ts'
import { OF_CLIENTS } from '../../../helpers/doctor.ts'
import { SECRET } from '../../../helpers/in-process.ts'
import { startRedis } from '../../../helpers/redis.ts'

const RESOURCES = 'https://api.example.com'

/** One key that nobody sealed. */
const withKey = (purpose: string): Make => beside(async ({ endpoint }, t) => {
  const redis = await startRedis(t, { args: ['--appendonly', 'yes'] })
  await redis.cli('SET', partKey(logKey('forward-auth:', endpoint), purpose), 'what nobody sealed')
  return { env: { RESOURCES, CACHE_SECRET: SECRET, REDIS_TIMEOUT: '5s', REDIS_URL: redis.url } }
}, { resources: [{ uri: RESOURCES, scopes: [] }] })

t.test('each mistake is found, and only it', async (t) => await checkMistakes(t, [
  ['a list of blocked clients that nobody can open', ['blocks-unreadable'], withKey('blocked-clients')],
  ['a blocked client that asks', ['blocked-client-asks'], withKey('blocked-asked')]
], OF_CLIENTS))
