import { readFileSync } from 'node:fs'
import t from 'tap'
import { parts } from '../../../../src/parts/index.ts'
import { factsOf, refusalsOf } from '../../../../src/parts/status/facts.ts'
import { sampleOf, type Sample } from '../../../../src/parts/status/history.ts'
import { anchorOf, renderRunbook } from '../../../../src/parts/status/runbook.ts'
import {
  type Facts, type Level, rulesOf, type Unavailability, verdictsOf
} from '../../../../src/parts/status/verdict.ts'
import { allMetrics } from '../../../helpers/series.ts'

const WELL: Facts = {
  state: 'serving',
  circuitOpen: false,
  queued: 0,
  redisUp: true,
  logFollowed: true,
  othersFailing: 0,
  answers: 1000,
  windowMs: 15 * 60_000,
  unavailable: 0,
  unavailableNow: { count: 0, of: 100, reason: undefined },
  wrongPath: 0,
  badPolicy: 0,
  inauthentic: 0,
  webhooksRefused: 0,
  partNumbers: {},
  certificateStage: undefined,
  clockAheadMs: undefined
}
const now = (count: number, reason?: Unavailability): Partial<Facts> =>
  ({ unavailable: count, unavailableNow: { count, of: 120, reason } })

const CASES: ReadonlyArray<readonly [what: string, facts: Partial<Facts>, level: Level, link: string, says: RegExp]> = [
  ['nothing', {}, 'good', 'all-is-well', /^All is well\.$/],
  ['nothing, without Redis', { redisUp: undefined, logFollowed: undefined }, 'good', 'all-is-well', /^All is well\.$/],
  ['nobody who asks', { answers: 0 }, 'quiet', 'no-requests', /^No problems, and no requests for 15 minutes/],
  ['nobody yet', { answers: 0, windowMs: 3000 }, 'quiet', 'no-requests', /no requests since the start, 3 s ago\.$/],
  ['an open breaker', { circuitOpen: true }, 'bad', 'forwardauthauthgearcircuitopen', /restore Authgear/],
  ['an open breaker with its 503', { circuitOpen: true, ...now(9, 'authgear_unavailable') }, 'bad',
    'forwardauthauthgearcircuitopen', /Authgear is failing/],
  ['a wrong address', now(100, 'authgear_misconfigured'), 'bad', 'forwardauthunavailable', /^100 .* AUTHGEAR_ENDPOINT/],
  ['too many people', now(5, 'overloaded'), 'bad', 'forwardauthauthgearqueue', /too many requests wait/],
  ['an Authgear that is slow', now(100, 'authgear_unavailable'), 'bad', 'forwardauthunavailable', /did not answer/],
  ['503 while Redis is away', { redisUp: false, ...now(5, 'authgear_unavailable') }, 'bad', 'forwardauthredisdown',
    /^5 of the last 120 answers were 503 while Redis is unreachable: restore Redis/],
  ['a login page of 503 while Redis is away', { redisUp: false, ...now(1) }, 'bad', 'forwardauthredisdown', /restore Redis/],
  ['a 503 of which nobody knows the reason', now(1), 'bad', 'users-see-503', /^1 of the last 120 answers .*: read the log/],
  ['an access record that cannot be written', now(3, 'record_unavailable'), 'bad', 'forwardauthaccessrecordlost',
    /^3 of .* the access record cannot be written: check its disk/],
  ['sessions that Redis does not keep', now(2, 'session_not_kept'), 'bad', 'sign-in-fails-with-503',
    /^2 of .* Redis did not keep new sessions: check its memory/],
  ['sessions that a Redis that is away does not keep', { redisUp: false, ...now(2, 'session_not_kept') }, 'bad',
    'forwardauthredisdown', /restore Redis/],
  ['junk codes', now(2, 'too_many_codes'), 'bad', 'sign-in-fails-with-503', /Authgear limits how many sign-ins/],
  ['sign-ins that Authgear ended', now(2, 'login_failed'), 'bad', 'sign-in-fails-with-503', /an error of its own/],
  ['sign-ins that reach nothing', now(2, 'login_unavailable'), 'bad', 'sign-in-fails-with-503', /Authgear or Redis/],
  ['no key of assertions', now(2, 'no_key'), 'bad', 'forwardauthredisdown', /no key of assertions/],
  ['a clock that is ahead', { clockAheadMs: 240_400 }, 'bad', 'the-clocks-differ',
    /^This machine's clock is 240 s ahead of Authgear's: synchronize both by NTP\.$/],
  ['a clock that is behind', { clockAheadMs: -61_000 }, 'bad', 'the-clocks-differ', /61 s behind Authgear's/],
  ['a wrong path', { wrongPath: 11 }, 'bad', 'forwardauthwrongpath', /^11 requests used .* correct the address/],
  ['a scanner\'s wrong path', { wrongPath: 10 }, 'good', 'all-is-well', /All is well/],
  ['no Redis', { redisUp: false, logFollowed: false }, 'warn', 'forwardauthredisdown', /restore Redis/],
  ['no log', { logFollowed: false }, 'warn', 'forwardauthrevocationlognotfollowed', /does not follow/],
  ['another secret', { inauthentic: 1 }, 'warn', 'forwardauthinauthenticrevocations', /1 revocation of another secret/],
  ['a certificate that ended', { certificateStage: -1 }, 'bad', 'forwardauthcertificateexpires', /has expired/],
  ['a certificate that ends', { certificateStage: 7 }, 'warn', 'forwardauthcertificateexpires', /within 7 days/],
  ['webhooks refused', { webhooksRefused: 2 }, 'warn', 'forwardauthwebhooksrefused', /^2 webhooks refused/],
  ['another replica', { othersFailing: 1 }, 'warn', 'forwardauthauthgearcircuitopen', /for 1 other replica/],
  ['a queue', { queued: 101 }, 'warn', 'forwardauthauthgearqueue', /^101 requests wait/],
  ['a bad policy', { badPolicy: 1 }, 'warn', 'forwardauthbadpolicy', /^1 request refused for an invalid policy/],
  ['503 that are over', { unavailable: 100 }, 'warn', 'forwardauthunavailable', /^Recovered: 100 answers/],
  ['a start', { state: 'starting' }, 'warn', 'starting-or-draining', /is starting/],
  ['an end', { state: 'draining' }, 'warn', 'starting-or-draining', /shutting down/]
]

for (const [what, facts, level, link, says] of CASES) {
  t.test(`the verdict on ${what}`, async (t) => {
    const [verdict] = verdictsOf({ ...WELL, ...facts }, [])
    t.match(verdict, { level, link, sentence: says })
    t.match(verdict.sentence, /^[^.]+(?:\.(?! )[^.]+)*\.$/, 'one sentence')
  })
}

t.test('each rule has its case', async (t) => {
  const rules = rulesOf([]) // those of parts have their cases beside them
  const met = new Set(CASES.map(([, facts]) => rules.findIndex(({ when }) => when({ ...WELL, ...facts }))))
  t.equal(met.size, rules.length + 1, 'where all is well none is met')
})

t.test('the worst comes first, the others follow, and no "all is well" among them', async (t) => {
  const verdicts = verdictsOf({ ...WELL, ...now(3, 'overloaded'), redisUp: false, badPolicy: 2, answers: 0 }, [])
  t.strictSame(verdicts.map(({ link }) => link), [
    'forwardauthauthgearqueue', 'forwardauthredisdown', 'forwardauthbadpolicy'
  ])
})

t.test('each sentence links to a place that the runbook has, as a file and as a page', async (t) => {
  const source = readFileSync(new URL('../../../../docs/runbook.md', import.meta.url), 'utf8')
  const headings = Array.from(source.matchAll(/^#+ (.*)$/gm), ([, heading = '']) => anchorOf(heading))
  const page = renderRunbook()
  for (const link of new Set([...CASES.map(([, , , link]) => link), ...rulesOf(parts).map(({ link }) => link)])) {
    t.ok(headings.includes(link), `docs/runbook.md#${link}`)
    t.match(page, `id="${link}"`)
  }
})

t.test('the runbook as a page: whole, its own links only, no markup of others', async (t) => {
  const page = renderRunbook()
  t.equal(page.match(/<h2 /g)?.length, readFileSync('docs/runbook.md', 'utf8').match(/^## /gm)?.length)
  for (const [, href = ''] of page.matchAll(/ <a href="([^"]*)"/g)) t.match(href, /^#|^\.\/$|^https?:\/\/localhost/)
  for (const [, anchor = ''] of page.matchAll(/ href="#([^"]*)"/g)) t.match(page, `id="${anchor}"`, anchor)
  t.notMatch(page, /\*\*|\]\(|<script| style=/)
  t.match(renderRunbook(() => '# <b>x</b>\n\n<script>1</script>'), '&lt;script&gt;')
})

/** Of metrics, at that second. */
function sampleAt (metrics: ReturnType<typeof allMetrics>, second: number): Sample {
  return sampleOf(metrics.reading(), { wall: second * 1000, monotonic: second * 1000 })
}

t.test('facts are of the window, and what is going on of its last two minutes', async (t) => {
  const metrics = allMetrics()
  const refuse = (count: number, status: number, reason: Parameters<typeof metrics.request>[2]): void => {
    for (let n = 0; n < count; n++) metrics.request('verify', status, reason, 'none', 0.001)
  }
  refuse(50, 503, 'overloaded') // before the window
  const samples = [sampleAt(metrics, 0)]
  refuse(7, 503, 'authgear_unavailable')
  refuse(2, 403, 'bad_policy')
  samples.push(sampleAt(metrics, 600), sampleAt(metrics, 790))
  refuse(1, 503, 'overloaded')
  refuse(3, 401, 'no_credentials')
  metrics.request('identify', 401, 'invalid_session', 'none', 0.001)
  metrics.request('login', 200, 'signed_out', 'none', 0.001)
  metrics.request('login', 403, 'signed_out', 'none', 0.001)
  metrics.webhookRefused('wrong_signature')
  samples.push(sampleAt(metrics, 900))
  const others = [{ name: 'a', state: 'serving', authgear: 'failing' }] as const
  t.match(factsOf({ state: 'serving', samples, others }), {
    answers: 13,
    unavailable: 8,
    unavailableNow: { count: 1, of: 4, reason: 'overloaded' },
    badPolicy: 2,
    webhooksRefused: 1,
    othersFailing: 1
  })
  t.strictSame(refusalsOf(samples), [
    ['authgear_unavailable', 7], ['no_credentials', 3], ['bad_policy', 2], ['overloaded', 1]
  ])
})
