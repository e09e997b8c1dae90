import t from 'tap'
import type { CacheKey } from '../../../../src/base/core/cache-key.ts'
import { createSessionLease, type SharedLeases } from '../../../../src/parts/login/sessions/lease.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

t.test('a lease that is ours is held although Redis says too late how long it lives', async (t) => {
  const held = new Map<string, string>()
  const commands = {
    setIfAbsent: async (name: string, token: string) => !held.has(name) && held.set(name, token).has(name),
    pttl: async () => { throw new Error('Redis did not answer within 50 ms') },
    setPxWhile: async () => 'OK',
    deleteIfEquals: async (name: string, token: string) => held.get(name) === token && held.delete(name)
  } satisfies Partial<SharedLeases['commands']>
  const lease = createSessionLease(manualClock(), {
    commands: commands as unknown as SharedLeases['commands'], keyPrefix: 'p:', maxHoldMs: 1000
  })
  const keys = { current: 'k' as CacheKey, previous: undefined }
  t.match(await lease(keys, 100, async () => 'refreshed'), { kind: 'ran', value: 'refreshed' })
  t.equal(held.size, 0, 'and nobody waits for it afterwards')
})

t.test('a turn in this process is waited for as long as another replica\'s lease', async (t) => {
  const lease = createSessionLease(manualClock(), undefined)
  const keys = { current: 'k' as CacheKey, previous: undefined }
  const ran: string[] = []
  const task = (name: string) => async (): Promise<void> => { ran.push(name) }
  let end = (): void => {}
  const long = lease(keys, 0, async () => { await new Promise<void>((resolve) => { end = resolve }) })
  const patient = lease(keys, 60_000, task('patient'))
  t.strictSame(await lease(keys, 1, task('impatient')), { kind: 'busy' })
  end()
  t.match([await long, await patient], [{ kind: 'ran' }, { kind: 'ran' }])
  t.match(await lease(keys, 0, task('later')), { kind: 'ran' }, 'nobody is before it')
  t.strictSame(ran, ['patient', 'later'], 'what was given up is not done')
})
