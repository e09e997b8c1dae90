import t from 'tap'
import { parts } from '../../../../src/parts/index.ts'
import { factsOf } from '../../../../src/parts/status/facts.ts'
import { sampleOf } from '../../../../src/parts/status/history.ts'
import { jsonOf } from '../../../../src/parts/status/of-parts.ts'
import { notesOf, verdictsOf } from '../../../../src/parts/status/verdict.ts'
import { allMetrics } from '../../../helpers/series.ts'

type Numbers = Readonly<Partial<Record<'behindSeconds' | 'unread' | 'untold', number>>>

/** A page of these numbers; those of a replica that does not lead are none. */
function pageOf (numbers: Numbers) {
  const metrics = allMetrics({ parts: () => ({ 'audit-log': numbers }) })
  metrics.request('verify', 200, 'allowed', 'memory', 0.001)
  const samples = [0, 60_000].map((at) => sampleOf(metrics.reading(), { wall: at, monotonic: at }))
  metrics.request('verify', 200, 'allowed', 'memory', 0.001)
  samples.push(sampleOf(metrics.reading(), { wall: 90_000, monotonic: 90_000 }))
  const facts = factsOf({ state: 'serving', samples, others: [] })
  const { now } = metrics.reading()
  return { verdicts: verdictsOf(facts, parts), notes: notesOf(facts, parts).join(''), json: jsonOf(parts, now) }
}

const CASES: ReadonlyArray<readonly [numbers: Numbers, link: string, says: RegExp]> = [
  [{ unread: 900 }, 'forwardauthauditlogbehind', /900 entries .*, and revoke nobody/],
  [{ untold: 3 }, 'forwardauthwebhookssilent', /no webhook came \(3 changes\)/],
  [{ behindSeconds: 61 }, 'forwardauthauditlogbehind', /not read for 61 s/],
  [{ behindSeconds: 60, unread: 0, untold: 0 }, 'all-is-well', /^All is well\.$/],
  [{}, 'all-is-well', /^All is well\.$/]
]

t.test('the first line says what is wrong with the audit log', async (t) => {
  for (const [numbers, link, sentence] of CASES) t.match(pageOf(numbers).verdicts[0], { link, sentence })
})

t.test('the note about private addresses is there where changes were not told', async (t) => {
  t.match(pageOf({ untold: 1 }).notes, 'outbound fetch blocked by SSRF address policy')
  t.equal(pageOf({ untold: 0 }).notes, '')
})

t.test('status.json has the numbers by the names of old', async (t) => {
  t.match(pageOf({ behindSeconds: 1, unread: 2, untold: 3 }).json, {
    auditBehindSeconds: 1, auditUnread: 2, untold: 3, cacheEntries: 3
  })
})
