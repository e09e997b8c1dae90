import t, { type Test } from 'tap'
import { systemClock } from '../../../../src/base/clock.ts'
import type { ClientTrace } from '../../../../src/base/authgear/resolver/types.ts'
import { openTokenEndpoint, type TokenEndpoint } from '../../../../src/parts/login/oidc/token-endpoint.ts'
import type { SentDigests } from '../../../../src/base/core/cache-key.ts'
import { NO_TRACE } from '../../../helpers/resolver.ts'
import { until } from '../../../helpers/until.ts'
import { reply, startUpstream, type Script } from '../../../helpers/upstream.ts'

const TOKENS = JSON.stringify({ access_token: 'a', token_type: 'bearer', expires_in: 1800, refresh_token: 'r' })
const REDEMPTION = { redirectUri: 'https://app.example.com/_auth/callback', verifier: 'v'.repeat(43), nonce: 'n' }
const EVIL = 'evil'

const traceOf = (client: number, userAgent?: string): ClientTrace =>
  ({ ...NO_TRACE, address: `192.0.2.${client}`, isNamed: true, userAgent })
const digestsOf = (name: string): SentDigests => ({ whole: [name], all: [name] }) as unknown as SentDigests
const codeOf = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(() => 'tokens', ({ cause, code }: Failure) => cause?.code ?? code)
type Failure = Readonly<{ cause?: { code?: string }, code?: string }>

async function start (t: Test, script: Script, timeoutMs = 30_000): Promise<TokenEndpoint> {
  const upstream = await startUpstream(t, script)
  const endpoint = openTokenEndpoint({
    endpoint: { origin: `http://127.0.0.1:${upstream.port}` }, clientId: 'web', timeoutMs, ca: undefined
  }, systemClock)
  t.teardown(() => endpoint.close())
  return endpoint
}

/** A firewall before Authgear that dislikes a User-Agent. */
const firewall: Script = (socket, request) => {
  if (request.header('user-agent') === EVIL) socket.destroy()
  else socket.write(reply(200, [['Content-Type', 'application/json'], ['Connection', 'close']], TOKENS))
}

t.test('codes that get no answer cost neither refreshes nor revocations', async (t) => {
  const endpoint = await start(t, firewall)
  for (let client = 0; client < 10; client++) {
    const redeemed = endpoint.redeem({ ...REDEMPTION, code: `junk ${client}` }, traceOf(client, EVIL))
    t.match(await codeOf(redeemed), /AUTHGEAR_(UNREACHABLE|CIRCUIT_OPEN)/)
  }
  const good = endpoint.redeem({ ...REDEMPTION, code: 'good' }, traceOf(99))
  t.equal(await codeOf(good), 'AUTHGEAR_CIRCUIT_OPEN', 'ten clients had no answer')
  t.equal(await codeOf(endpoint.refresh('r', traceOf(1), digestsOf('a session'))), 'tokens')
  t.equal(await codeOf(endpoint.revoke('r')), 'tokens')
})

t.test('refreshes that hang leave room for sign-ins and sign-outs', async (t) => {
  const endpoint = await start(t, (socket, request) => {
    if (request.header('user-agent') === 'hangs') return
    socket.write(reply(200, [['Content-Type', 'application/json'], ['Connection', 'close']], TOKENS))
  }, 50)
  let late = 0
  for (let n = 0; n < 100; n++) {
    await new Promise<void>((resolve) => {
      endpoint.refresh('r', traceOf(n, 'hangs'), digestsOf(`session ${n}`), () => { late++; resolve() })
        .then(() => resolve(), () => resolve())
    })
    // the breaker stays closed: others are answered
    await endpoint.refresh('r', NO_TRACE, digestsOf('another')).catch(() => {})
  }
  t.ok(late > 0 && late <= 48, `${late} calls outlive those who waited`)
  // on a busy machine 50 ms are few, and those calls hang for 30 s
  const comes = async (code: string, call: () => Promise<unknown>): Promise<void> =>
    await until(code, async () => await codeOf(call()) === code, 20_000)
  await comes('tokens', () => endpoint.revoke('r'))
  await comes('AUTHGEAR_GARBAGE', () => endpoint.redeem({ ...REDEMPTION, code: 'good' }, traceOf(1)))
})

t.test('one client whose calls get no answer costs others nothing', async (t) => {
  const endpoint = await start(t, firewall)
  for (let call = 0; call < 10; call++) {
    const code = await codeOf(endpoint.redeem({ ...REDEMPTION, code: `junk ${call}` }, traceOf(7, EVIL)))
    t.equal(code, 'AUTHGEAR_UNREACHABLE')
    const refreshed = endpoint.refresh('r', traceOf(7, EVIL), digestsOf('its session'))
    t.equal(await codeOf(refreshed), 'AUTHGEAR_UNREACHABLE')
  }
  // no ID token comes with it, which is another matter
  t.equal(await codeOf(endpoint.redeem({ ...REDEMPTION, code: 'good' }, traceOf(1))), 'AUTHGEAR_GARBAGE')
  t.equal(await codeOf(endpoint.refresh('r', traceOf(1), digestsOf('a session'))), 'tokens')
})

t.test('an outage that only one network meets opens the breaker of codes', async (t) => {
  const endpoint = await start(t, (socket) => { socket.destroy() })
  const redeemed = (): Promise<unknown> => codeOf(endpoint.redeem({ ...REDEMPTION, code: 'a code' }, traceOf(7)))
  for (let n = 0; n < 5; n++) t.equal(await redeemed(), 'AUTHGEAR_UNREACHABLE')
  await until('it is open', async () => await redeemed() === 'AUTHGEAR_CIRCUIT_OPEN', 10_000)
})

t.test('five sessions that cannot be refreshed open the breaker of refreshes', async (t) => {
  const endpoint = await start(t, (socket) => { socket.destroy() })
  for (let n = 0; n < 5; n++) {
    t.equal(await codeOf(endpoint.refresh('r', NO_TRACE, digestsOf(`session ${n}`))), 'AUTHGEAR_UNREACHABLE')
  }
  t.equal(await codeOf(endpoint.refresh('r', NO_TRACE, digestsOf('another'))), 'AUTHGEAR_CIRCUIT_OPEN')
  for (let n = 0; n < 5; n++) t.equal(await codeOf(endpoint.revoke('r')), 'AUTHGEAR_UNREACHABLE')
  t.equal(await codeOf(endpoint.revoke('r')), 'AUTHGEAR_CIRCUIT_OPEN')
})
