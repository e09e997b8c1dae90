import type { OutageObserver } from '../../base/authgear/resolver/types.ts'
import { describe } from '../../base/logging/log.ts'
import type { Given } from '../../base/parts/given.ts'
import { onceAMinute } from '../../base/timing.ts'
import type { CallOutcome } from './answer.ts'
import { createChanges } from './changes.ts'
import { createLentSource } from './lent.ts'
import type { Counts, OpenedSource } from './source.ts'
import type { ReadOutcome } from './types.ts'
import { openUserinfo } from './userinfo.ts'

/** A late answer serves the next request, also where AUTHGEAR_TIMEOUT is short. */
const MIN_TIMEOUT_MS = 2000

export function openLentSource (given: Given, count: Counts): OpenedSource {
  const { clock, log, authgear: { issuer: origin, timeoutMs, ca } } = given
  const changes = createChanges(clock)
  let isClosed = false
  const tell = telling(given, count)
  const userinfo = openUserinfo({
    origin,
    timeoutMs: Math.max(timeoutMs, MIN_TIMEOUT_MS),
    ca,
    now: clock.monotonic,
    called: (outcome, error) => { if (!isClosed) tell(outcome, error) },
    outage: outageLines(log)
  })
  return {
    source (loans) {
      if (loans === undefined) throw new Error('no credentials to lend') // the rules see to it that there are some
      return createLentSource({ userinfo, loans, changes, clock })
    },
    read: reportingReads(given, count),
    taken: ({ target }) => changes.told(target),
    reads: {
      begins: changes.begins,
      read: ({ of, revocation: { target } }, at) => changes.told(target, { of, at }),
      lost: changes.everybody
    },
    close: async () => {
      isClosed = true // the calls that this ends are no failure
      await userinfo.close()
    }
  }
}

const FAILING = "Authgear's userinfo fails again and again: known profiles are still sent, others are empty, and a " +
  'rule by address is answered 503'
const OF_SOME = "userinfo gave no profile for a user's token: that profile stays empty, and a rule by address is " +
  'answered 503 for that user alone'
const FOREIGN = "userinfo answered with another user's data, which was refused: a proxy between mixes answers"
const HIDDEN = 'Authgear keeps e-mail addresses from apps, so that a rule by address is answered 503: let bearers ' +
  'read `/email` in user_profile.standard_attributes.access_control (docs/profile.md)'

const outageLines = (log: Given['log']): OutageObserver => ({
  outageBegan: () => log.warn(FAILING),
  outageEnded: (outageMs) => log.info({ outageMs: Math.round(outageMs) }, 'profiles are read from userinfo again')
})

function telling ({ log, clock }: Given, count: Counts): (outcome: CallOutcome, error?: unknown) => void {
  let newest: object = {}
  const warn = onceAMinute(clock, () => log.warn(newest, OF_SOME))
  return (outcome, error) => {
    count.requests.add(outcome)
    newest = { kind: outcome, ...error === undefined ? {} : { error: describe(error) } }
    // a token that ended is no trouble, and one of many that wait has its line elsewhere
    if (outcome !== 'ok' && outcome !== 'forbidden' && outcome !== 'rejected') warn()
  }
}

function reportingReads ({ log, clock }: Given, count: Counts): (outcome: ReadOutcome) => void {
  const tellForeign = onceAMinute(clock, () => log.error(FOREIGN))
  const tellHidden = onceAMinute(clock, () => log.warn(HIDDEN))
  return (outcome) => {
    count.reads.add(outcome)
    if (outcome === 'foreign') tellForeign()
    if (outcome === 'hidden') tellHidden()
  }
}
