import t from 'tap'
import type { Context } from '../../../src/commands/doctor/check.ts'
import { judgeClock } from '../../../src/commands/doctor/checks/authgear.ts'
import { judgeIdleTimeout, judgeLife } from '../../../src/commands/doctor/checks/settings.ts'
import { type CookieObservation, judgeCookies } from '../../../src/commands/doctor/checks/cookies.ts'
import { judgeReading } from '../../../src/commands/doctor/checks/pasted.ts'
import {
  judgeLatency, judgeProblem, judgeRefusals, judgeServer, redisLatency
} from '../../../src/commands/doctor/checks/redis.ts'
import { judgeCacheRotation, judgeWebhookRotation, rotation } from '../../../src/commands/doctor/checks/secrets.ts'
import { judgeLog } from '../../../src/commands/doctor/checks/revocations.ts'
import { judgeIssuer } from '../../../src/commands/doctor/checks/keys.ts'
import { RedisTooSlow } from '../../../src/base/errors.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const NONE = undefined
type Judged = Readonly<{ id: string }> | undefined

function rows (
  name: string,
  table: ReadonlyArray<readonly [what: string, judged: Judged, id: string | undefined]>
): void {
  t.test(name, async (t) => { for (const [what, judged, id] of table) t.equal(judged?.id, id, what) })
}

const DATE = Date.parse('2026-11-25T12:00:00Z')
rows('clocks: Authgear\'s Date has whole seconds, and the answer took its time', [
  ['the same', judgeClock({ asked: DATE, answered: DATE, date: DATE }), NONE],
  ['the last moment of that second', judgeClock({ asked: DATE + 999, answered: DATE + 999, date: DATE }), NONE],
  ['ten seconds ahead, no more', judgeClock({ asked: DATE + 11_000, answered: DATE + 11_000, date: DATE }), NONE],
  ['a little more', judgeClock({ asked: DATE + 11_001, answered: DATE + 11_001, date: DATE }), 'clock-drifts'],
  ['an answer that took two minutes says nothing',
    judgeClock({ asked: DATE - 60_000, answered: DATE + 60_000, date: DATE }), NONE],
  ['a minute behind, no more', judgeClock({ asked: DATE - 60_000, answered: DATE - 60_000, date: DATE }),
    'clock-drifts'],
  ['a little more', judgeClock({ asked: DATE - 60_001, answered: DATE - 60_001, date: DATE }), 'clock-off']
])

const seen = (domain?: string): CookieObservation => ({ kind: 'seen', domain, isSecure: true })
const judged = (domain: string | undefined, app: string | undefined): Judged =>
  judgeCookies(seen(domain), { prefix: '', authgear: 'auth.example.com', app })
rows('cookie domains cover themselves and what is under them', [
  ['itself', judged('example.com', 'example.com'), NONE],
  ['what is under it', judged('example.com', 'a.b.example.com'), NONE],
  ['what only ends like it', judged('example.com', 'notexample.com'), 'cookie-domain'],
  ['what is above it', judged('apps.example.com', 'example.com'), 'cookie-domain'],
  ['host-only, and the app is on Authgear\'s own host', judged(undefined, 'auth.example.com'), NONE],
  ['host-only, and the app is not', judged(undefined, 'app.example.com'), 'cookie-domain'],
  ['host-only, and nobody said where the app is', judged(undefined, undefined), 'cookie-host-only'],
  ['a domain, and nobody said', judged('example.com', undefined), NONE],
  ['not seen at all', judgeCookies({ kind: 'unseen' }, { prefix: '', authgear: 'auth.example.com', app: undefined }),
    'cookie-prefix']
])

const pasted = (line: string, prefix = ''): Judged => judgeReading({ kind: 'none' }, [line], prefix)
rows('names of cookies that could be Authgear\'s under another prefix', [
  ['a prefix', pasted('a=b; x_app_session=c'), 'cookie-prefix'],
  ['none, where one is configured', pasted('session=c', 'x_'), 'cookie-prefix'],
  ['no such name', pasted('sessions=c; sessionid=d'), 'cookie-missing'],
  ['a name that no prefix makes', pasted('a b(session=c'), 'cookie-missing'],
  ['a value like one', pasted('a=session'), 'cookie-missing']
])

t.test('prints only a prefix of a pasted header', async (t) => {
  t.match(judgeReading({ kind: 'none' }, ['x_session=s3cret; session=s3cret; y_app_access_token=s3cret'], 'z_').what,
    /prefix x_, or \(none\), or y_$/)
})

rows('a life that is nearly over', [
  ['a third left, when it should be renewed', judgeLife('it', { from: 0, to: 90 }, 60), NONE],
  ['a sixth left', judgeLife('it', { from: 0, to: 90 }, 75), NONE],
  ['less', judgeLife('it', { from: 0, to: 90 }, 76), 'certificate-ends-soon'],
  ['none', judgeLife('it', { from: 0, to: 90 }, 90), 'certificate-ended']
])

rows('how long Redis takes', [
  ['half of its time-out, no more', judgeLatency([1, 24.9, 900], 50), NONE],
  ['more', judgeLatency([1, 25, 900], 50), 'redis-slow'],
  ['all of it', judgeLatency([1, 50, 50], 50), 'redis-too-slow']
])

rows('idle time-outs', [
  ['longer than CACHE_TTL', judgeIdleTimeout(30_001, 30_000), NONE],
  ['the same', judgeIdleTimeout(30_000, 30_000), 'idle-timeout']
])

rows('what Redis says of its memory', [
  ['evicting, but without a limit', judgeServer('maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n', true)[0], NONE],
  ['evicting', judgeServer('maxmemory:1\r\nmaxmemory_policy:allkeys-lfu\r\n', true)[0], 'redis-evicts'],
  ['evicting what expires', judgeServer('maxmemory:1\r\nmaxmemory_policy:volatile-lru\r\n', true)[0], NONE],
  ['nothing', judgeServer('', true)[0], NONE],
  ['a Cluster that was meant', judgeServer('redis_mode:cluster\r\n', false)[1], NONE],
  ['one replica of a single server', judgeServer('connected_slaves:1\r\n', true)[2], NONE],
  ['two', judgeServer('connected_slaves:2\r\n', true)[2], 'redis-replicas'],
  ['two, and Sentinels', judgeServer('connected_slaves:2\r\n', false)[2], NONE]
])

const logOf = (length: number, ageMs: number) =>
  judgeLog({ length, now: 10_000_000, entries: [[`${10_000_000 - ageMs}-3`, {}]] }, 300_000)
rows('how long the revocation log is', [
  ['empty', judgeLog({ length: 0, now: 10_000_000, entries: [] }, 300_000), NONE],
  ['the newest, which are kept for ever', logOf(2000, 9_000_000), NONE],
  ['long, and trimmed', logOf(2001, 360_000), NONE],
  ['long, and not trimmed', logOf(2001, 360_001), 'redis-log-long'],
  ['as long as its budgets make it', logOf(84_500, 1000), NONE],
  ['longer than that', logOf(84_501, 1000), 'redis-log-long']
])

const one = { servers: { kind: 'one', host: 'redis', port: 6379, db: 0 }, tls: undefined } as const
const coded = (code: string): Error => Object.assign(new Error('what it says'), { code })
rows('why Redis cannot be used', [
  ['a name, for now', judgeProblem(coded('EAI_AGAIN'), 'redis', one), 'redis-dns'],
  ['another certificate', judgeProblem(coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'redis', one), 'redis-tls'],
  ['one that has ended', judgeProblem(coded('CERT_HAS_EXPIRED'), 'redis', one), 'redis-tls'],
  ['a password for an older Redis', judgeProblem(new Error('ERR invalid password'), 'redis', one), 'redis-password'],
  ['a password that is not wanted, of an older Redis',
    judgeProblem(new Error('ERR Client sent AUTH, but no password is set'), 'redis', one), 'redis-password'],
  ['a user who may not even begin', judgeProblem(new Error('NOPERM this user has no permissions'), 'redis', one),
    'redis-rights'],
  ['anything else', judgeProblem(new Error('secret?'), 'redis', one), 'redis-unreachable']
])

t.test('does not print what Redis repeats', async (t) => {
  const repeated = "ERR unknown command 'auth', with args beginning with: 'a-password' "
  t.notMatch(JSON.stringify(judgeProblem(new Error(repeated), 'redis', one)), /a-password/)
  t.notMatch(JSON.stringify(judgeProblem(new Error('a-password'), 'redis', one)), /a-password/)
})

t.test('prints each kind of refusal once, with the refused value', async (t) => {
  const refusals = [
    ['SET', 'READONLY'],
    ['XADD', 'READONLY'],
    ['GET', 'NOPERM'],
    ['EVAL', 'LOADING'],
    ['EVAL', 'ASK'],
    ['EVAL', 'CLUSTERDOWN'],
    ['SET', 'READONLY']
  ].map(([command = '', refusal = '']) => ({ command, refusal }))
  t.strictSame(
    judgeRefusals(refusals).map(({ id, what }) => `${id} ${what}`),
    [
      'redis-read-only SET, XADD: READONLY', 'redis-rights GET: NOPERM', 'redis-unreachable EVAL: LOADING',
      'redis-form EVAL: ASK: this server is a node of a Cluster',
      'redis-cluster EVAL: CLUSTERDOWN: no server has the slot of the revocation log'
    ]
  )
  t.strictSame(judgeRefusals([]), [])
})

t.test('a command without an answer took REDIS_TIMEOUT at least', async (t) => {
  const outcomeOf = async (error: Error) => {
    const redis = { connection: { commands: { pttl: async () => { throw error } } }, keys: { trial: 'x' } }
    const config = { redis: { timeoutMs: 50 } }
    return await redisLatency.run({ redis, config, clock: manualClock() } as unknown as Context)
  }
  const tooSlow = { kind: 'looked', findings: [{ id: 'redis-too-slow' }] }
  t.match(await outcomeOf(new RedisTooSlow(50)), tooSlow)
  t.match(await outcomeOf(new Error('Connection is closed.')), tooSlow, 'it was given up, and another is not there yet')
  const refusal = Object.assign(new Error('NOPERM'), { name: 'ReplyError' })
  t.strictSame(await outcomeOf(refusal), { kind: 'looked', findings: [] }, 'a refusal is an answer')
})

const [SINCE, RETENTION_MS] = [manualClock().wall(), 332_000]
const judgeAt = (ms: number): Judged => judgeCacheRotation({ kind: 'current', since: SINCE }, SINCE + ms, RETENTION_MS)
rows('CACHE_SECRET_PREVIOUS is needed for the retention, and until all replicas have looked', [
  ['replicas write under it', judgeCacheRotation({ kind: 'previous', since: SINCE }, SINCE, RETENTION_MS), 'rotation'],
  ['the new one just began', judgeAt(0), 'rotation'],
  ['a second before it ends', judgeAt(60_000 + RETENTION_MS - 1000), 'rotation'],
  ['it has ended', judgeAt(60_000 + RETENTION_MS), 'rotation-over'],
  ['no replica has said', judgeCacheRotation({ kind: 'none' }, SINCE, RETENTION_MS), 'rotation'],
  ['another secret has its own finding', judgeCacheRotation({ kind: 'foreign' }, SINCE, RETENTION_MS), NONE],
  ['Redis did not answer', judgeCacheRotation({ kind: 'unreachable' }, SINCE, RETENTION_MS), NONE]
])
rows('the newest webhook says whether Authgear has the new secret', [
  ['it has', judgeWebhookRotation(true), 'rotation-over'],
  ['it has not', judgeWebhookRotation(false), 'rotation']
])

t.test('each X_PREVIOUS has its finding', async (t) => {
  const run = async (authgear: object, cache: object) =>
    await rotation.run({ config: { authgear, cache }, redis: undefined } as unknown as Context)
  t.match(await run({}, {}), { kind: 'skipped' })
  const ids = (outcome: Awaited<ReturnType<typeof run>>) =>
    outcome.kind === 'looked' ? outcome.findings.map(({ id, what }) => `${id}: ${what.split(' ')[0]}`) : []
  t.strictSame(
    ids(await run({ webhookSecret: 'new', previousWebhookSecret: 'old' }, {})),
    ['rotation: AUTHGEAR_WEBHOOK_SECRET_PREVIOUS:']
  )
  t.strictSame(ids(await run({}, { previousSecret: 'idle without Redis' })), [])
})

rows('Authgear calls itself as AUTHGEAR_ENDPOINT says', [
  ['it does', judgeIssuer('{"issuer":"https://a.example"}', 'https://a.example'), NONE],
  ['with a slash more', judgeIssuer('{"issuer":"https://a.example/"}', 'https://a.example'), 'issuer'],
  ['another scheme', judgeIssuer('{"issuer":"http://a.example"}', 'https://a.example'), 'issuer'],
  ['no JSON', judgeIssuer('<html>', 'https://a.example'), 'token-keys'],
  ['no issuer', judgeIssuer('{}', 'https://a.example'), 'issuer']
])
