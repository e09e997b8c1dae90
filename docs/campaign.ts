/**
 * The tables of docs/inside/reliability.md ("When anything is in trouble"): the bounds by which the campaign judges,
 * and the worst that its newest run on each form of Redis measured (docs/campaign.json).
 */
import { tableOf, withGenerated } from './generated.ts'
import { type Situation, SITUATIONS } from '../test/campaign/situations.ts'

/** The worst of what was seen in one situation, less what the machine itself stood still. */
export type Measure = {
  /** How often the situation was there. */
  times: number
  /** Milliseconds from the acknowledgement of a revocation to the last request that was still accepted. */
  acceptedMs: number
  /** Acknowledged in the situation. */
  revocations: number
  waitMs: number
  answers: number
  unavailable: number
  /** Calls to Authgear for one new credential. */
  calls: number
  bursts: number
}

export type Run = Readonly<{
  date: string
  seed: number
  seconds: number
  /** Whether the kernel dropped packets too. */
  kernel: boolean
  rounds: number
  requests: number
  violations: number
  measures: Readonly<Record<string, Measure>>
}>

const HEAD = ['situation', 'bound', 'measured by the campaign (worst of N)']
const RUN_HEAD = ['Redis', 'date', 'seed', 'time', 'packets dropped by', 'faults', 'requests', 'violations']
const NOT_MEASURED = 'not measured'
const NAMES: Readonly<Record<string, string>> = {
  standalone: 'one server', sentinel: 'Sentinel', cluster: 'Cluster', valkey: 'Valkey, one server'
}
const WHO = {
  none: 'nobody',
  frozen: 'requests at the frozen replica',
  unknown: 'users who are not remembered',
  ended: 'users whose session has ended'
}
const WORST: ReadonlySet<string> = new Set(['acceptedMs', 'waitMs', 'calls'])

/** @param runs docs/campaign.json: by the form of Redis */
export function withCampaign (page: string, runs: Readonly<Record<string, Run>>): string {
  const all = Object.entries(runs)
  const rows = [...Object.entries(SITUATIONS).map(([id, situation]) => [situation.title, boundOf(situation), id]),
    ['two of these at a time', 'the larger of both', 'several']]
    .map(([title = '', bound = '', id = '']) => [title, bound, measuredOf(all.map(([, run]) => run.measures[id]))])
  const table = withGenerated(page, 'test/campaign/situations.ts', tableOf(HEAD, rows))
  return withGenerated(table, 'docs/campaign.json', tableOf(RUN_HEAD, all.map(([name, run]) => runOf(name, run))))
}

function boundOf ({ accepted, wait, unavailable, calls }: Situation): string {
  return [accepted.text, wait.text, WHO[unavailable], calls === undefined ? 'any' : calls.text].join(' · ')
}

/** @param measures of one situation */
function measuredOf (measures: ReadonlyArray<Measure | undefined>): string {
  const seen = measures.filter(one => one !== undefined)
  const names = Object.keys(seen[0] ?? {}) as Array<keyof Measure>
  const of = (name: keyof Measure): number =>
    seen.map(one => one[name]).reduce((a, b) => WORST.has(name) ? Math.max(a, b) : a + b, 0)
  const all = Object.fromEntries(names.map(name => [name, of(name)])) as Measure
  if (!((all.times ?? 0) > 0)) return NOT_MEASURED
  const parts = [
    all.revocations > 0 ? inSeconds(all.acceptedMs) : NOT_MEASURED,
    all.answers > 0 ? inSeconds(all.waitMs) : NOT_MEASURED,
    all.answers > 0 ? share(all.unavailable, all.answers) : NOT_MEASURED,
    all.bursts > 0 ? String(all.calls) : NOT_MEASURED
  ]
  return `${parts.join(' · ')} (N = ${all.times})`
}

const inSeconds = (ms: number): string => ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(2)} s`
const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

function share (count: number, all: number): string {
  return count === 0 ? `0 of ${grouped(all)}` : `${(100 * count / all).toFixed(count / all < 0.01 ? 2 : 0)} %`
}

function runOf (
  name: string, { date, seed, seconds, kernel, rounds, requests, violations }: Run
): readonly string[] {
  const time = seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${seconds} s`
  return [
    NAMES[name] ?? name,
    date,
    String(seed),
    time,
    kernel ? 'relays and the kernel' : 'relays',
    `${grouped(rounds)} rounds`,
    grouped(requests),
    `**${violations}**`
  ]
}
