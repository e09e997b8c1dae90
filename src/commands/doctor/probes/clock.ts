import { found, type Finding } from '../finding.ts'
import { looked, skipped, type Probe } from '../probe.ts'
import { NOBODY } from './resolver.ts'

/** Milliseconds: by both clocks of this machine around the question, and Authgear's Date, which has whole seconds. */
export type ClockObservation = Readonly<{ asked: number, answered: number, date: number }>

/** Milliseconds; `exp` of a token is believed for a minute longer (core/jwt). */
const OFF = 60_000
const DRIFT = 10_000

export const clock: Probe = {
  title: 'the clocks agree',
  needs: 'authgear',
  async run ({ look, clock }) {
    const asked = clock.wall()
    const seen = await look.ask(NOBODY)
    const date = Date.parse(seen.header('date')[0] ?? '')
    return Number.isNaN(date) ? skipped('Authgear sent no Date') : looked(judgeClock({ asked, answered: clock.wall(), date }))
  }
}

export function judgeClock ({ asked, answered, date }: ClockObservation): Finding | undefined {
  const behind = date - answered
  const ahead = asked - (date + 1000)
  const off = Math.max(behind, ahead)
  if (off <= DRIFT) return undefined
  const what = `this machine's clock is ${Math.round(off / 1000)} s ${behind > ahead ? 'behind' : 'ahead of'} Authgear's`
  return found(off > OFF ? 'clock-off' : 'clock-drifts', what)
}
