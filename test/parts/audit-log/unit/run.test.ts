import t from 'tap'
import { AuditError, type AuditErrorKind } from '../../../../src/parts/audit-log/errors.ts'
import type { Follower } from '../../../../src/parts/audit-log/follower.ts'
import { runAudit } from '../../../../src/parts/audit-log/run.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { noting } from '../noting.ts'

/** Polls that fail for these reasons, one after the other. @returns how often entries may have been lost */
async function troublesOf (...kinds: readonly AuditErrorKind[]): Promise<readonly [troubles: number, redis: number]> {
  const left = [...kinds]
  let troubles = 0
  let redisFailures = 0
  let done = (): void => {}
  const ended = new Promise<void>((resolve) => { done = resolve })
  const follower: Follower = {
    async poll () {
      const kind = left.shift()
      if (kind !== undefined) throw new AuditError(kind)
      done()
      return 'ok'
    },
    troubled: async () => { troubles++ },
    redisFailed: () => { redisFailures++ },
    dueMs: () => undefined,
    flush: async () => true,
    unread: () => 0
  }
  const leadership = { tick: async () => {}, leaderTerm: () => 1, resign: async () => {} }
  const running = runAudit({ leadership, follower, pollMs: 1, clock: systemClock, observer: noting() })
  await ended
  await running.close()
  return [troubles, redisFailures]
}

t.test('only a failure of Authgear may have lost entries: one of our own Redis has not', async (t) => {
  t.same(await troublesOf('redis', 'redis'), [0, 2])
  t.same(await troublesOf('server', 'redis', 'unreachable'), [2, 1])
})

t.test('a lease that Redis does not give is a failure of Redis', async (t) => {
  let redisFailures = 0
  const follower: Follower = {
    poll: async () => 'ok',
    troubled: async () => {},
    redisFailed: () => { redisFailures++ },
    dueMs: () => undefined,
    flush: async () => true,
    unread: () => 0
  }
  const failures: Array<Error | undefined> = [new AuditError('redis'), new Error('a bug'), undefined]
  const ticked = new Promise<void>((resolve) => {
    const tick = async (): Promise<void> => {
      if (failures.length === 0) return resolve()
      const failure = failures.shift()
      if (failure !== undefined) throw failure
    }
    const leadership = { tick, leaderTerm: () => undefined, resign: async () => {} }
    const running = runAudit({ leadership, follower, pollMs: 1, clock: systemClock, observer: noting() })
    t.teardown(running.close)
  })
  await ticked
  t.equal(redisFailures, 1)
})
