import t, { type Test } from 'tap'
import { systemClock } from '../../../../src/base/clock.ts'
import type { Revocation, Target } from '../../../../src/base/revocation/types.ts'
import { redisAt, type InProcess, type InProcessOptions, startInProcess } from '../../../helpers/in-process.ts'
import { adminApi, auditEnvironment } from '../../../helpers/audit.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { startSentinelGroup } from '../../../helpers/redis-sentinel.ts'
import { type RedisServer, startRedis } from '../../../helpers/redis.ts'
import { startRelay } from '../../../helpers/relay.ts'
import { ask } from '../../../helpers/request.ts'
import { startSimulator } from '../../../helpers/simulator.ts'
import { AHEAD_MS, isUp, statusOfToken as statusOf } from '../../../helpers/token-fleet.ts'
import {
  type Issuer, machineClaims, personClaims, RESOURCE, signed, startIssuer
} from '../../../helpers/token-issuer.ts'
import { until } from '../../../helpers/until.ts'
import { disabledEvent, WEBHOOK_SECRET, webhookOf } from '../../../helpers/webhook.ts'

const USER = 'a11ce000-0000-4000-8000-000000000001'
const OTHER = 'b0b00000-0000-4000-8000-000000000002'

function logOf ({ service }: InProcess) {
  if (service.revocations === undefined) throw new Error('a replica of these tests has a management token')
  return service.revocations.revocations
}

/** Told again as an app does it: on a busy machine the second for its confirmation may be over first. */
const logged = async (replica: InProcess, revocation: Revocation): Promise<void> =>
  await until('it is logged', async () => await logOf(replica).revoke(revocation) === 'logged')

const revoke = async (replica: InProcess, target: Target): Promise<void> =>
  await logged(replica, { target, origin: 'management', quietMs: 0, ends: 0 })

/** As a change of a profile or a role does. */
const refresh = async (replica: InProcess, target: Target): Promise<void> =>
  await logged(replica, { target, origin: 'audit', quietMs: 0 })

type Fleet = Readonly<{
  issuer: Issuer
  redis: RedisServer
  replicas: readonly InProcess[]
  first: InProcess
  more: (options?: Partial<InProcessOptions>) => Promise<InProcess>
  /** Of a client's own; issued a little ahead of now. */
  machine: (clientId: string, aheadMs?: number) => string
  person: (userId: string) => string
}>

async function startFleet (t: Test, count = 3, options: Partial<InProcessOptions> = {}): Promise<Fleet> {
  const [issuer, redis] = [await startIssuer(t), await startRedis(t)]
  const more = async (other: Partial<InProcessOptions> = {}): Promise<InProcess> => {
    const replica = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: issuer.url,
      REDIS_URL: redis.url,
      RESOURCES: RESOURCE,
      AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET,
      CACHE_DEGRADED_TTL: '2s',
      ...options,
      ...other
    })
    await until('it follows the log', () => isUp(replica))
    await replica.service.partsReady()
    return replica
  }
  const first = await more()
  const replicas = [first, ...await Promise.all(Array.from({ length: count - 1 }, () => more()))]
  const now = (aheadMs: number): number => systemClock.wall() + aheadMs
  return {
    issuer,
    redis,
    replicas,
    first,
    more,
    machine: (client, aheadMs = AHEAD_MS) =>
      signed(machineClaims(issuer.url, now(aheadMs), { client_id: client, sub: `client_id_${client}` })),
    person: (userId) => signed(personClaims(issuer.url, now(AHEAD_MS), userId))
  }
}

async function statuses (replicas: readonly InProcess[], token: string): Promise<readonly number[]> {
  return await Promise.all(replicas.map((replica) => statusOf(replica, token)))
}

t.test('on three replicas', async (t) => {
  const fleet = await startFleet(t)
  const { first, replicas, machine, person } = fleet

  /** What is revoked, the token that ends, and one that does not. */
  const ROWS: ReadonlyArray<readonly [name: string, target: Target, ends: string, stays: string]> = [
    ['a user', { kind: 'user', userId: USER }, person(USER), person(OTHER)],
    ['a client', { kind: 'client', clientId: 'one' }, machine('one'), machine('two')],
    ['a token', { kind: 'token', id: 'three' },
      signed(machineClaims(fleet.issuer.url, systemClock.wall() + AHEAD_MS, { jti: 'three' })), machine('two')]
  ]
  for (const [name, target, ends, stays] of ROWS) {
    t.test(`${name} that was revoked is refused on each, and others are not`, async (t) => {
      t.strictSame(await statuses(replicas, ends), [200, 200, 200], 'before')
      await revoke(first, target)
      await until('each has read it', async () => (await statuses(replicas, ends)).every((status) => status === 401))
      t.strictSame(await statuses(replicas, stays), [200, 200, 200], 'others')
    })
  }

  t.test('a client named like a user, and a user like a client, are not each other', async (t) => {
    await revoke(first, { kind: 'client', clientId: OTHER })
    await revoke(first, { kind: 'user', userId: 'two' })
    t.strictSame(await statuses(replicas, person(OTHER)), [200, 200, 200])
    t.strictSame(await statuses(replicas, machine('two')), [200, 200, 200])
  })

  t.test('a change that only refreshes ends no token', async (t) => {
    const token = person(OTHER)
    await refresh(first, { kind: 'user', userId: OTHER })
    await refresh(first, { kind: 'everything' })
    t.strictSame(await statuses(replicas, token), [200, 200, 200])
  })

  t.test('the webhook of a disabled user ends their tokens, that of a changed one does not', async (t) => {
    const userId = 'c0c00000-0000-4000-8000-000000000003'
    const token = person(userId)
    const updated = disabledEvent(userId, 'e1').replace('user.disabled', 'user.profile.updated')
    t.equal((await ask(first.port, webhookOf(updated))).status, 204)
    t.strictSame(await statuses(replicas, token), [200, 200, 200])
    t.equal((await ask(first.port, webhookOf(disabledEvent(userId, 'e2')))).status, 204)
    await until('each has read it', async () => (await statuses(replicas, token)).every((status) => status === 401))
  })

  t.test('a token that was issued after the revocation passes', async (t) => {
    await revoke(first, { kind: 'client', clientId: 'again' })
    t.equal(await statusOf(first, machine('again', 0)), 401, 'the clocks may be apart by five seconds')
    await until('a new one passes', async () =>
      (await statuses(replicas, machine('again', 4900))).every((status) => status === 200))
  })

  t.test('a replica that starts afterwards refuses what was revoked, and nothing else', async (t) => {
    const [ends, stays] = [machine('late'), machine('other')]
    await revoke(first, { kind: 'client', clientId: 'late' })
    const late = await fleet.more()
    t.equal(await statusOf(late, ends), 401)
    t.equal(await statusOf(late, stays), 200, 'the log goes back to before it was issued')
  })

  t.test('an entry under an unknown CACHE_SECRET ends no token, and a start does not guess', async (t) => {
    const [victim, gone] = [machine('victim'), machine('gone')]
    const stranger = await fleet.more({ CACHE_SECRET: 'of somebody who writes to Redis alone' })
    await revoke(stranger, { kind: 'client', clientId: 'victim' })
    const hasRead = async ({ service }: InProcess): Promise<boolean> =>
      /revocations_total\{origin="foreign"\} [1-9]/.test(await service.metrics.render())
    await until('each has read it', async () => (await Promise.all(replicas.map(hasRead))).every(Boolean))
    t.strictSame(await statuses(replicas, victim), [200, 200, 200])
    await revoke(first, { kind: 'client', clientId: 'gone' })
    const other = await fleet.more({ CACHE_SECRET: 'that took the place of one which leaked' })
    t.equal(await statusOf(other, gone), 401, 'it cannot read what the log ends')
  })

  t.test('what was revoked stays so when Redis loses all, on a fresh replica too', async (t) => {
    const [ends, stays] = [machine('lost', -2000), machine('other')]
    await revoke(first, { kind: 'client', clientId: 'lost' })
    await until('each has read it', async () => (await statuses(replicas, ends)).every((status) => status === 401))
    await fleet.redis.cli('FLUSHALL')
    const fresh = await fleet.more()
    await until('all follow', () => [...replicas, fresh].every(isUp))
    t.strictSame(await statuses([...replicas, fresh], ends), [401, 401, 401, 401])
    t.strictSame(await statuses(replicas, stays), [200, 200, 200], 'who knew before knows still')
    t.equal(await statusOf(fresh, machine('old', -30_000)), 401, 'issued before it could know')
    t.ok(fresh.lines.some(({ msg }) => /cannot know/.test(String(msg))), 'it says so')
    t.match(await fresh.service.metrics.render(), /forward_auth_resource_tokens_unknown_total [1-9]/)
  })

  t.test('everything that is purged ends every token', async (t) => {
    const tokens = [machine('x'), person(OTHER)]
    await revoke(first, { kind: 'everything' })
    for (const token of tokens) {
      await until('each has read it', async () => (await statuses(replicas, token)).every((status) => status === 401))
      t.equal(await statusOf(first, token), 401)
    }
  })
})

t.test('a republished revocation ends no token that was issued since', async (t) => {
  const fleet = await startFleet(t, 2)
  await revoke(fleet.first, { kind: 'client', clientId: 'c' })
  let token = ''
  await until('a newer token passes', async () => {
    token = fleet.machine('c', 4900)
    return (await statuses(fleet.replicas, token)).every((status) => status === 200)
  })
  await fleet.redis.cli('FLUSHALL')
  await until('the new log holds it again', async () =>
    Number(await fleet.redis.cli('XLEN', (await streamOf(fleet.redis)))) > 1 && fleet.replicas.every(isUp))
  t.strictSame(await statuses(fleet.replicas, token), [200, 200])
})

async function streamOf (redis: RedisServer): Promise<string> {
  const [name] = await redis.cli('KEYS', '*stream') as readonly string[]
  return name ?? 'none'
}

t.test('a replica that is cut off takes new tokens only after CACHE_DEGRADED_TTL', async (t) => {
  const issuer = await startIssuer(t)
  const redis = await startRedis(t)
  const relay = await startRelay(t, redis.port)
  const options = { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, CACHE_DEGRADED_TTL: '2s' }
  const near = await startInProcess(t, { ...options, REDIS_URL: redis.url })
  const apart = { REDIS_URL: `redis://127.0.0.1:${relay.port}`, MANAGEMENT_TOKEN: undefined } // nobody blocks a client
  const cut = await startInProcess(t, { ...options, ...apart })
  await until('both follow', () => [near, cut].every(isUp))
  const machine = (): string => signed(machineClaims(issuer.url, systemClock.wall() + AHEAD_MS))
  const token = machine()
  t.strictSame(await statuses([near, cut], token), [200, 200])
  relay.to(undefined)
  await revoke(near, { kind: 'client', clientId: 'machine' })
  await until('the one that is cut off refuses it too', async () => await statusOf(cut, token) === 401)
  t.equal(await statusOf(cut, machine()), 200, 'Authgear vouched for a new one just now')
})

t.test('without Redis a restart forgets, so that older tokens are refused', async (t) => {
  const issuer = await startIssuer(t)
  const clock = manualClock()
  const options = { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, clock }
  const token = (): string => signed(machineClaims(issuer.url, clock.wall()))
  const before = await startInProcess(t, options)
  clock.advance(1000)
  const old = token()
  t.equal(await statusOf(before, old), 200)
  await revoke(before, { kind: 'client', clientId: 'machine' })
  t.equal(await statusOf(before, old), 401)
  await before.close()
  clock.advance(1000)
  const after = await startInProcess(t, options)
  t.equal(await statusOf(after, old), 401, 'whether it was revoked nobody knows')
  clock.advance(1000)
  t.equal(await statusOf(after, token()), 200)
})

t.test('each replica refuses a client that was deleted in the portal, and no other', async (t) => {
  const portal = await startSimulator(t, { adminApi })
  const { replicas, machine } = await startFleet(t, 3, auditEnvironment(portal.url, '250ms'))
  const [deleted, stays] = [machine('dcrc_1'), machine('dcrc_2')]
  await until('one reads the audit log', () => portal.controls.audit.queries > 1)
  for (const token of [deleted, stays]) t.strictSame(await statuses(replicas, token), [200, 200, 200])
  portal.controls.audit.append({
    activityType: 'ADMIN_API_MUTATION_DELETE_DYNAMIC_CLIENT_EXECUTED',
    payload: { client_id: 'dcrc_1', source: 'dcr', kind: 'third_party', client_name: 'an agent' },
    triggeredBy: 'admin_api'
  })
  await until('each has read it', async () => (await statuses(replicas, deleted)).every((status) => status === 401))
  t.strictSame(await statuses(replicas, stays), [200, 200, 200])
})

t.test('after a failover by Sentinel revoked tokens stay refused, others valid', async (t) => {
  const [issuer, group] = [await startIssuer(t), await startSentinelGroup(t)]
  const options = { AUTHGEAR_ENDPOINT: issuer.url, RESOURCES: RESOURCE, ...redisAt(group.servers) }
  const replicas = [await startInProcess(t, options), await startInProcess(t, options)]
  const [first] = replicas
  if (first === undefined) throw new Error('no replica')
  await until('both follow', () => replicas.every(isUp))
  const machine = (client: string, aheadMs: number): string =>
    signed(machineClaims(issuer.url, systemClock.wall() + aheadMs, { client_id: client, sub: `client_id_${client}` }))
  const [ends, stays] = [machine('one', -1000), machine('two', AHEAD_MS)]
  t.strictSame(await statuses(replicas, stays), [200, 200])
  await revoke(first, { kind: 'client', clientId: 'one' })
  const before = await group.masterPort()
  await group.failOver()
  await until('another master', async () => await group.masterPort() !== before)
  await until('both follow it', () => replicas.every(isUp))
  t.strictSame(await statuses(replicas, ends), [401, 401])
  t.strictSame(await statuses(replicas, stays), [200, 200])
  const late = await startInProcess(t, options)
  await until('it knows', async () => await statusOf(late, ends) !== 503)
  t.equal(await statusOf(late, ends), 401)
})
