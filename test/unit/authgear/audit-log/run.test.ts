import t from 'tap'
import { AuditError, type AuditErrorKind } from '../../../../src/authgear/audit-log/errors.ts'
import type { Follower } from '../../../../src/authgear/audit-log/follower.ts'
import { runAudit } from '../../../../src/authgear/audit-log/run.ts'
import { systemClock } from '../../../../src/clock.ts'
import { noting } from '../../../helpers/audit.ts'

/** Polls that fail for these reasons, one after the other. @returns how often entries may have been lost */
async function troublesOf (...kinds: readonly AuditErrorKind[]): Promise<number> {
  const left = [...kinds]
  let troubles = 0
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
    dueMs: () => undefined,
    flush: async () => true
  }
  const leadership = { tick: async () => {}, leaderTerm: () => 1, resign: async () => {} }
  const running = runAudit({ leadership, follower, pollMs: 1, clock: systemClock, observer: noting() })
  await ended
  await running.close()
  return troubles
}

t.test('only a failure of Authgear may have lost entries: one of our own Redis has not', async (t) => {
  t.equal(await troublesOf('redis', 'redis'), 0)
  t.equal(await troublesOf('server', 'redis', 'unreachable'), 2)
})
