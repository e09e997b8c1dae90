// @ts-check
/**
 * The tables of docs/reliability.md ("When anything is in trouble"): the bounds by which the campaign judges, and the
 * worst that its newest run on each form of Redis measured (docs/campaign.json).
 */
import { tableOf, withGenerated } from './generated.mjs'
import { SITUATIONS } from '../test/campaign/situations.mjs'

/** @import { Measure, Run } from './campaign.d.mts' */
/** @import { Situation } from '../test/campaign/situations.d.mts' */

const HEAD = ['situation', 'bound', 'measured by the campaign (worst of N)']
const RUN_HEAD = ['Redis', 'date', 'seed', 'time', 'packets dropped by', 'faults', 'requests', 'violations']
const NOT_MEASURED = 'not measured'
const NAMES = { standalone: 'one server', sentinel: 'Sentinel', cluster: 'Cluster', valkey: 'Valkey, one server' }
const WHO = {
  none: 'nobody',
  frozen: 'who waits at the frozen one',
  unknown: 'who is not remembered',
  ended: 'whose session has ended'
}
/** @type {ReadonlySet<string>} */
const WORST = new Set(['acceptedMs', 'waitMs', 'calls'])

/** @param {string} page @param {Readonly<Partial<Record<keyof typeof NAMES, Run>>>} runs by the form of Redis */
export function withCampaign (page, runs) {
  const all = Object.entries(runs)
  const rows = [...Object.entries(SITUATIONS).map(([id, situation]) => [situation.title, boundOf(situation), id]),
    ['two of these at a time', 'the larger of both', 'several']]
    .map(([title = '', bound = '', id = '']) => [title, bound, measuredOf(all.map(([, run]) => run.measures[id]))])
  const table = withGenerated(page, 'test/campaign/situations.mjs', tableOf(HEAD, rows))
  return withGenerated(table, 'docs/campaign.json', tableOf(RUN_HEAD, all.map(([name, run]) => runOf(name, run))))
}

/** @param {Situation} situation */
function boundOf ({ accepted, wait, unavailable, calls }) {
  return [accepted.text, wait.text, WHO[unavailable], calls === undefined ? 'any' : calls.text].join(' · ')
}

/** @param {ReadonlyArray<Measure | undefined>} measures of one situation */
function measuredOf (measures) {
  const seen = measures.filter(one => one !== undefined)
  const names = /** @type {(keyof Measure)[]} */ (Object.keys(seen[0] ?? {}))
  const of = (/** @type {keyof Measure} */ name) =>
    seen.map(one => one[name]).reduce((a, b) => WORST.has(name) ? Math.max(a, b) : a + b, 0)
  const all = /** @type {Measure} */ (Object.fromEntries(names.map(name => [name, of(name)])))
  if (!((all.times ?? 0) > 0)) return NOT_MEASURED
  const parts = [
    all.revocations > 0 ? inSeconds(all.acceptedMs) : NOT_MEASURED,
    all.answers > 0 ? inSeconds(all.waitMs) : NOT_MEASURED,
    all.answers > 0 ? share(all.unavailable, all.answers) : NOT_MEASURED,
    all.bursts > 0 ? String(all.calls) : NOT_MEASURED
  ]
  return `${parts.join(' · ')} (N = ${all.times})`
}

const inSeconds = (/** @type {number} */ ms) => ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(2)} s`
const grouped = (/** @type {number} */ count) => String(count).replace(/\B(?=(\d{3})+$)/g, ',')

/** @param {number} count @param {number} all */
function share (count, all) {
  return count === 0 ? `0 of ${grouped(all)}` : `${(100 * count / all).toFixed(count / all < 0.01 ? 2 : 0)} %`
}

/** @param {string} name @param {Run} run @returns {string[]} */
function runOf (name, { date, seed, seconds, kernel, rounds, requests, violations }) {
  const time = seconds >= 60 ? `${Math.round(seconds / 60)} min` : `${seconds} s`
  return [
    NAMES[/** @type {keyof typeof NAMES} */ (name)],
    date,
    String(seed),
    time,
    kernel ? 'relays and the kernel' : 'relays',
    `${grouped(rounds)} rounds`,
    grouped(requests),
    `**${violations}**`
  ]
}
