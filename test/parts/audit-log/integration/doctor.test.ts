import t from 'tap'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { beside, checkMistakes, type DoctorWorld, type Make } from '../../../helpers/doctor-world.ts'
import { OF_AUDIT_LOG } from '../../../helpers/doctor.ts'
import { SECRET, startInProcess } from '../../../helpers/in-process.ts'
import { ask } from '../../../helpers/request.ts'
import { startRedis } from '../../../helpers/redis.ts'
import { demo, type SimulatorOptions } from '../../../helpers/simulator.ts'
import { until } from '../../../helpers/until.ts'
import { WEBHOOK_SECRET, webhookOf } from '../../../helpers/webhook.ts'

/** Without Redis, of which `check` warns. */
const audited = (change: (world: DoctorWorld) => void, options: SimulatorOptions): Make => beside((world) => {
  change(world)
  return { env: auditEnvironment(world.endpoint, '1s') }
}, options)

const DAY_MS = 86_400_000
const SHARED = { CACHE_SECRET: SECRET, REDIS_TIMEOUT: '5s', AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET }

/** A user changed so many seconds ago, and a webhook came so many days ago, if any. */
const changed = (secondsAgo: number, webhookDaysAgo?: number): Make => beside(async ({ endpoint, simulator }, t) => {
  const redis = await startRedis(t)
  const env = { ...SHARED, REDIS_URL: redis.url }
  if (webhookDaysAgo !== undefined) {
    const { port } = await startInProcess(t, {
      ...env, AUTHGEAR_ENDPOINT: endpoint, REDIS_KEY_PREFIX: 'forward-auth:'
    })
    await ask(port, webhookOf('{}'))
    const find = async (): Promise<readonly string[]> => await redis.cli('KEYS', '*:webhook-seen') as string[]
    await until('it is noted', async () => (await find()).length === 1)
    await redis.cli('PEXPIRE', (await find())[0] ?? '', String((30 - webhookDaysAgo) * DAY_MS))
  }
  const createdAt = Math.floor(Date.now() / 1000) - secondsAgo
  simulator.controls.audit.append({ activityType: 'USER_DISABLED', userId: demo.alice.id, payload: {}, createdAt })
  return { env: { ...auditEnvironment(endpoint, '1s'), ...env } }
}, { adminApi })

t.test('each mistake is found, and only it', async (t) => await checkMistakes(t, [
  ['an Admin API of another kid', ['audit-log', 'configuration-doubtful'],
    audited(() => {}, { adminApi: { ...adminApi, keyId: 'another' } })],
  ['an audit log that is not configured', ['audit-log', 'configuration-doubtful'],
    audited(({ simulator }) => simulator.controls.audit.fail('unavailable'), { adminApi })],
  ['an Authgear that never calls a webhook, as where addresses are private', ['webhook-silent'], changed(3600)],
  ['an Authgear that called webhooks until three days ago', ['webhook-silent'], changed(3600, 3)],
  ['nothing but an Authgear whose users have not changed since the newest webhook', [], changed(4 * 86_400, 3)]
], OF_AUDIT_LOG))
