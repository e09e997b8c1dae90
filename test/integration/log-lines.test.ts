import t from 'tap'
import { systemClock } from '../../src/base/clock.ts'
import type { EpochMs } from '../../src/base/core/token-expiry.ts'
import { startInProcess } from '../helpers/in-process.ts'
import { freePort } from '../helpers/free-port.ts'
import { managementOf } from '../helpers/management.ts'
import { ask, type HeaderLine } from '../helpers/request.ts'
import { startProcess } from '../helpers/process.ts'
import { demo, startSimulator, type FailureMode } from '../helpers/simulator.ts'
import { until } from '../helpers/until.ts'
import { webhookOf, WEBHOOK_SECRET, disabledEvent } from '../helpers/webhook.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const TRACED: HeaderLine = ['traceparent', `00-${TRACE}-${SPAN}-01`]
const TOKEN = 'a management token of the tests'
const bearer = (token: string): HeaderLine => ['Authorization', `Bearer ${token}`]

t.test('every line about a request has its id and its trace', async (t) => {
  const authgear = await startSimulator(t)
  const { port, lines, service } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: authgear.url, AUTHGEAR_WEBHOOK_SECRET: WEBHOOK_SECRET, MANAGEMENT_TOKEN: TOKEN
  })
  const about = (id: string) => lines.filter(({ requestId }) => requestId === id)
  const rows: ReadonlyArray<
    readonly [id: string, status: number, path: string, headers: readonly HeaderLine[], msg: string]
  > = [
    ['allowed', 200, '/verify', [bearer(demo.alice.accessToken)], 'allowed'],
    ['nobody', 401, '/verify', [], 'refused'],
    ['role', 403, '/verify?role=x', [bearer(demo.alice.accessToken)], 'refused'],
    ['policy', 403, '/verify?x=y', [bearer(demo.alice.accessToken)], 'refused: the policy is invalid'],
    ['elsewhere', 404, '/elsewhere', [], 'unknown path: a proxy must ask /verify or /ext-authz/… exactly']
  ]
  for (const [id, status, path, headers, msg] of rows) {
    t.equal((await ask(port, { path, headers: [...headers, TRACED, ['X-Request-ID', id]] })).status, status)
    t.match(about(id), [{ requestId: id, trace_id: TRACE, span_id: SPAN, status, msg }], id)
  }
  await ask(port, webhookOf(disabledEvent('user'), { traceparent: TRACED[1], 'x-request-id': 'webhook-1' }))
  t.match(about('webhook-1'), [{ trace_id: TRACE, span_id: SPAN, status: 204, msg: 'webhook' }])
  const management = managementOf(t, service)
  await management.inject({
    method: 'POST',
    url: '/revocations',
    headers: { authorization: `Bearer ${TOKEN}`, traceparent: TRACED[1], 'x-request-id': 'purge-1' },
    payload: { all: true }
  })
  t.match(about('purge-1'), [{ trace_id: TRACE, span_id: SPAN, msg: 'revoked by the management listener' }])
})

t.test('a trace that cannot be one is in no line', async (t) => {
  const authgear = await startSimulator(t)
  const { port, lines } = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url })
  const bad = [
    'junk', '', `00-${TRACE}-${SPAN}`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`, `00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01-more`
  ]
  for (const traceparent of bad) await ask(port, { path: '/verify', headers: [['traceparent', traceparent]] })
  await ask(port, { path: '/verify', headers: [TRACED, TRACED] })
  const refused = lines.filter(({ msg }) => msg === 'refused')
  t.equal(refused.length, bad.length + 1)
  for (const line of refused) t.notOk('trace_id' in line || 'span_id' in line, JSON.stringify(line))
})

const OUTAGES: ReadonlyArray<readonly [failure: FailureMode, code: string, check: RegExp]> = [
  ['reset', 'AUTHGEAR_UNREACHABLE', /AUTHGEAR_RESOLVER_URL.*doctor/],
  ['error', 'AUTHGEAR_STATUS', /Authgear's log/],
  ['not-found', 'AUTHGEAR_MISCONFIGURED', /AUTHGEAR_ENDPOINT.*doctor/],
  ['not-http', 'AUTHGEAR_GARBAGE', /which server answers at/],
  ['hang', 'AUTHGEAR_TIMEOUT', /AUTHGEAR_TIMEOUT last/]
]

t.test('the line of a 503 says what to check', async (t) => {
  for (const [failure, code, check] of OUTAGES) {
    const authgear = await startSimulator(t)
    const { port, lines } = await startInProcess(t, {
      AUTHGEAR_ENDPOINT: authgear.url, ...failure === 'hang' && { AUTHGEAR_TIMEOUT: '300ms' }
    })
    authgear.controls.fail(failure)
    t.equal((await ask(port, { path: '/verify', headers: [bearer('0123456789abcdefghijklmnopqrstuv')] })).status, 503)
    t.match(lines.filter(({ msg }) => msg === 'cannot answer'),
      [{ level: 'warn', status: 503, error: { code }, check }], failure)
  }
})

t.test('LOG_FORMAT=pretty is for people; JSON is the default', async (t) => {
  const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` }
  const service = await startProcess(t, { ...env, LOG_FORMAT: 'pretty' })
  await ask(service.port, { path: '/verify' })
  await until('it is told', () => service.logs().includes('reason=no_credentials'))
  t.match(
    service.logs(), /^\d\d:\d\d:\d\d\.\d{3} INFO {2}ready {2}version=.* tiers="memory \(100000 entries, \d+[kmg]\)"/m
  )
  t.notMatch(service.logs(), /\{"level"|\u001b/) // eslint-disable-line no-control-regex -- colours are for a terminal
  const json = await startProcess(t, env)
  await until('it is told', () => json.logs().includes('"ready"')) // its pipe may be slower than its port
  t.match(json.logs(), /^\{"level":"info".*"msg":"ready"\}$/m)
})

t.test('503s of an outage are sampled, and a later line says how many were left out', async (t) => {
  const service = await startProcess(t, { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` })
  const lines = (): ReadonlyArray<Readonly<{ leftOut?: number }>> =>
    service.logs().split('\n').filter((line) => line.includes('"msg":"cannot answer"')).map((line) => JSON.parse(line))
  let sent = 0
  await until('some are left out, and a later line says so', async () => {
    await Promise.all(Array.from({ length: 50 }, async () => {
      const { status } = await ask(service.port, { path: '/verify', headers: [bearer(demo.alice.accessToken)] })
      if (status === 503) sent++
    }))
    return lines().some(({ leftOut }) => leftOut !== undefined)
  })
  await service.stop()
  const said = lines()
  t.ok(said.length < sent, `${said.length} of ${sent}`)
  t.ok(said.reduce((sum, { leftOut = 0 }) => sum + 1 + leftOut, 0) <= sent, 'no more than there were')
})

t.test('allowed requests are sampled at debug, and whole at trace', async (t) => {
  const authgear = await startSimulator(t)
  for (const [level, isWhole] of [['debug', false], ['trace', true]] as const) {
    const service = await startProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, LOG_LEVEL: level })
    const allowed = (): ReadonlyArray<Readonly<{ leftOut?: number }>> =>
      service.logs().split('\n').filter((line) => line.includes('"msg":"allowed"')).map((line) => JSON.parse(line))
    let sent = 0
    // batches that take far less than a second each, until one of them was sampled
    const batch = async (): Promise<void> => {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          await ask(service.port, { path: '/verify', headers: [bearer(demo.alice.accessToken)] })
          sent++
        })
      )
    }
    if (isWhole) {
      await batch()
      await until('all are there', () => allowed().length === sent)
      t.ok(allowed().every(({ leftOut }) => leftOut === undefined))
    } else {
      await until('some are left out, and a later line says so', async () => {
        await batch()
        return allowed().some(({ leftOut }) => leftOut !== undefined)
      })
      await service.stop()
      t.ok(allowed().length < sent, `${allowed().length} of ${sent}`)
    }
  }
})

t.test('a clock that is off Authgear\'s says so once, and once when it is right again', async (t) => {
  const authgear = await startSimulator(t)
  const ahead = { ms: 20 * 60_000 }
  const clock = {
    monotonic: () => systemClock.monotonic() + ahead.ms,
    wall: () => systemClock.wall() + ahead.ms as EpochMs
  }
  const { port, lines } = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url, clock, CACHE_TTL: '0' })
  const about = (): readonly unknown[] => lines.map(({ msg }) => msg).filter((msg) => /clock/.test(String(msg)))
  const verify = () => ask(port, { path: '/verify', headers: [bearer(demo.alice.accessToken)] })
  for (let count = 0; count < 3; count += 1) await verify()
  t.match(about(), [/^this machine's clock is 1[12]\d\d s ahead of Authgear's: .*NTP/])
  clock.wall = () => systemClock.wall()
  ahead.ms += 10_000
  await verify()
  t.match(about().slice(1), [/^this machine's clock agrees with Authgear's again/])
})
