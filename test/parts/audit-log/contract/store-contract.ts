import type { Test } from 'tap'
import { beginAt } from '../../../../src/parts/audit-log/position.ts'
import { type AuditStore, createRedisStore } from '../../../../src/parts/audit-log/store.ts'
import { partKey } from '../../../../src/base/redis/keys.ts'
import type { RedisCommands } from '../../../../src/base/redis/commands.ts'
import { until } from '../../../helpers/until.ts'

const LEASE = 300

/** What the store in Redis keeps to, wherever that is. */
export async function auditStoreContract (t: Test, commands: RedisCommands, name: string): Promise<void> {
  const open = (leaseMs = 60_000): AuditStore =>
    createRedisStore({ commands, keyOf: (purpose) => partKey(`${name}{log:audit}`, purpose), leaseMs })
  const [first, second] = [open(), open()]
  t.same([await first.hold(), await second.hold(), await first.hold()], [true, false, true],
    'one holds the lease, and renews it')
  t.equal(await first.load(), undefined)
  const position = {
    ...beginAt(1_795_565_337), seen: new Map([['0000000000000db6', 1_795_565_337]]), isEverythingDue: true
  }
  t.equal(await first.save(position, 0), true)
  t.equal(await second.save(beginAt(1), 0), false, 'only the holder writes')
  t.same((await second.load())?.position, position, 'all read')
  t.equal(await first.save(position, 20_000), true)
  const ageMs = (await second.load())?.ageMs ?? 0
  t.ok(ageMs >= 20_000 && ageMs < 60_000, `its age is kept: ${ageMs} ms`)
  t.same([await first.claimGap(), await second.claimGap()], [true, false], 'a gap is one in all')
  t.equal(await first.claimGap(), false, 'and one for the replica that had it')
  await second.release()
  t.equal(await second.hold(), false, 'nobody gives back what another holds')
  await first.release()
  const third = open(LEASE)
  t.equal(await third.hold(), true)
  await until('it ends by itself', () => second.hold())
  t.same([await third.hold(), await third.save(beginAt(1), 0)], [false, false])
}
