import t from 'tap'
import { openAdminSource } from '../../../../src/parts/profile/open-admin.ts'
import type { Counts } from '../../../../src/parts/profile/source.ts'
import type { Given } from '../../../../src/base/parts/given.ts'
import type { ProfileField } from '../../../../src/base/identity/profile.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'
import { askerOf, userOf } from '../start-profiles.ts'

/** @returns how many users each query asked for, of 250 who come at once */
async function sizesOf (fields: readonly ProfileField[]): Promise<readonly number[]> {
  const sizes: number[] = []
  const openAdminApi = () => ({
    async query (_text: string, { ids }: { ids?: readonly string[] }) {
      sizes.push(ids?.length ?? 0)
      return { status: 200, body: JSON.stringify({ data: { nodes: (ids ?? []).map(() => null) } }), date: '' }
    },
    async close () {}
  })
  const base = { clock: manualClock(), openAdminApi } as unknown as Given
  const counts = { requests: { add () {} }, reads: { add () {} } } as unknown as Counts
  const settings = { fields, sendsUnverifiedEmail: false, isLent: false, ttlMs: 1, timeoutMs: 1 }
  const source = openAdminSource(settings, base, counts).source(undefined)
  await Promise.all(Array.from({ length: 250 }, (_, n) => source.read(askerOf(userOf(n)))))
  return sizes
}

t.test('a query asks for 100 users, or for 20 with their groups', async (t) => {
  t.strictSame(await sizesOf(['name']), [100, 100, 50])
  t.strictSame(await sizesOf(['name', 'groups']), [...Array<number>(12).fill(20), 10])
})
