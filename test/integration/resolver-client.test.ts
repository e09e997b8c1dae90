import t from 'tap'
import { INVALID, SILENT, validResolution } from '../helpers/identity.ts'
import { openResolver, REFUSED, SILENCE, VALID } from '../helpers/resolver.ts'
import { answering, reply, startUpstream } from '../helpers/upstream.ts'

const CONCLUSIVE = { resolution: validResolution(), isConclusive: true }
const NOBODY = { resolution: INVALID, isConclusive: true }
const REST = VALID.slice(VALID.indexOf('\r\n') + 2)

const somebody = (userId: string, ...more: ReadonlyArray<readonly [string, string]>): string =>
  reply(200, [['x-authgear-session-valid', 'true'], ['x-authgear-user-id', userId], ...more])
const chunked = (body: string): string =>
  reply(200, [['x-authgear-session-valid', 'false'], ['transfer-encoding', 'chunked']], body)

type Row = readonly [what: string, answers: readonly string[], expected: unknown, requests: number]

const verdicts: readonly Row[] = [
  ['somebody', [VALID], CONCLUSIVE, 1],
  ['nobody', [REFUSED], NOBODY, 1],
  ['true without a user id', [reply(200, [['x-authgear-session-valid', 'true']])], NOBODY, 1],
  ['a trailer is not read', [chunked('0\r\nx-authgear-user-id: eve\r\n\r\n')], NOBODY, 1],
  ['an early hint before it', [`HTTP/1.1 103 Early Hints\r\nx-authgear-user-id: eve\r\n\r\n${REFUSED}`], NOBODY, 1],
  ['HTTP/1.0', [`HTTP/1.0 200 OK\r\n${REST}`], CONCLUSIVE, 1]
]

const errors: readonly Row[] = [
  ...[301, 302, 303, 307, 308].map((status): Row => [`${status} is not followed`, [reply(status, [
    ['Location', '/elsewhere'], ['x-authgear-session-valid', 'true'], ['x-authgear-user-id', 'eve']
  ])], 'AUTHGEAR_MISCONFIGURED', 1]),
  ...[300, 304, 404, 405].map((status) => [`${status}`, [reply(status)], 'AUTHGEAR_MISCONFIGURED', 1] as const),
  ...[201, 204, 206, 400, 401, 403, 410, 429, 431, 501, 502, 503, 504].map((status): Row =>
    [`${status}`, [`HTTP/1.1 ${status} Else\r\n${status === 204 ? '\r\n' : REST}`], 'AUTHGEAR_STATUS', 1]),
  ['500 twice', [reply(500)], 'AUTHGEAR_STATUS', 2],
  ['500, then somebody', [reply(500, [], '{"error":{}}'), VALID], CONCLUSIVE, 2],
  ['500, then nobody', [reply(500), REFUSED], NOBODY, 2],
  ['500, then 503', [reply(500), reply(503), VALID], 'AUTHGEAR_STATUS', 2],
  ['a connection reset before an answer, then somebody', ['reset', VALID], CONCLUSIVE, 2],
  ['a connection closed before an answer, then somebody', ['end', VALID], CONCLUSIVE, 2],
  ['reset twice', ['reset', 'reset', VALID], 'AUTHGEAR_UNREACHABLE', 2],
  ['reset, then 500', ['reset', reply(500), VALID], 'AUTHGEAR_STATUS', 2],
  ['another protocol', ['SSH-2.0-OpenSSH_9.2\r\n'], 'AUTHGEAR_GARBAGE', 1],
  ['a status that is none', ['HTTP/1.1 2x0 OK\r\n\r\n'], 'AUTHGEAR_GARBAGE', 1],
  ['a length that is none', [`HTTP/1.1 200 OK\r\nContent-Length: x\r\n${REST}`], 'AUTHGEAR_GARBAGE', 1],
  ['a length beside chunks', [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${REST}`], 'AUTHGEAR_GARBAGE', 1],
  ['a chunk that is none', [chunked('zz\r\n')], 'AUTHGEAR_GARBAGE', 1],
  ['a header twice', [`HTTP/1.1 200 OK\r\nX-Authgear-User-Id: eve\r\n${REST}`], 'AUTHGEAR_GARBAGE', 1],
  ['the verdict TRUE', [reply(200, [['x-authgear-session-valid', 'TRUE'], ['x-authgear-user-id', 'u']])],
    'AUTHGEAR_GARBAGE', 1],
  ['a control byte in a value', [somebody('u\x01')], 'AUTHGEAR_GARBAGE', 1],
  ['a NUL in a value', [somebody('u\0')], 'AUTHGEAR_GARBAGE', 1],
  ['a bare CR in a value', [somebody('u\rv')], 'AUTHGEAR_GARBAGE', 1],
  ['a tab in a value', [somebody('u\tv')], 'AUTHGEAR_GARBAGE', 1],
  ['a no-break space after a value', [somebody('u\xa0')], 'AUTHGEAR_GARBAGE', 1],
  ['a folded header',
    ['HTTP/1.1 200 OK\r\nx-authgear-session-valid: true\r\nx-authgear-user-id: u\r\n v\r\nContent-Length: 0\r\n\r\n'],
    'AUTHGEAR_GARBAGE', 1],
  ['an identity over 12 KiB', [somebody('u', ['x-authgear-user-roles', 'r'.repeat(13_000)])], 'AUTHGEAR_MISCONFIGURED',
    1],
  ['headers over 32 KiB', [reply(200, [['x-authgear-session-valid', 'true'], ['x-big', 'x'.repeat(33_000)]])],
    'AUTHGEAR_MISCONFIGURED', 1],
  ['a body beside a verdict',
    [reply(200, [['x-authgear-session-valid', 'false']], '{"x-authgear-session-valid":"true"}')], 'AUTHGEAR_GARBAGE',
    1],
  ['a body over 64 KiB', [reply(200, [['x-authgear-session-valid', 'false']], 'x'.repeat(66_000))], 'AUTHGEAR_GARBAGE',
    1],
  ['a body over 64 KiB of unknown length',
    [reply(404, [['transfer-encoding', 'chunked']], `1ffff\r\n${'x'.repeat(0x1ffff)}\r\n`)], 'AUTHGEAR_GARBAGE', 1]
]

for (const [group, rows] of Object.entries({
  "an answer of Authgear's is a verdict": verdicts, 'anything else is an error, never "not signed in"': errors
})) {
  t.test(group, async (t) => {
    for (const [what, answers, expected, requests] of rows) {
      await t.test(what, async t => {
        const upstream = await startUpstream(t, answering(...answers))
        const resolver = openResolver(t, upstream.port)
        t.strictSame(await resolver.ask(), expected)
        t.equal(upstream.requests.length, requests, `${requests} requests`)
        t.equal(resolver.outcomes.length, requests, 'each is counted')
        t.strictSame(resolver.state(), { inFlight: 0, queued: 0, circuitOpen: false }, 'nothing is left')
      })
    }
  })
}

const doubtful: readonly Row[] = [
  ['silent, then somebody', [SILENCE, VALID], CONCLUSIVE, 2],
  ['silent, then nobody', [SILENCE, REFUSED], NOBODY, 2],
  ['silent twice: not to be remembered', [SILENCE, SILENCE, VALID], { resolution: SILENT, isConclusive: false }, 2],
  ['silent, then an error, which is no refusal', [SILENCE, reply(503)], 'AUTHGEAR_STATUS', 2],
  ['nobody at once is conclusive', [REFUSED], NOBODY, 1],
  ['silent, then 500, then somebody', [SILENCE, reply(500), VALID], CONCLUSIVE, 3],
  ['one retry in all: 500, silent, 500', [reply(500), SILENCE, reply(500), VALID], 'AUTHGEAR_STATUS', 3],
  ['one retry in all: reset, silent, reset', ['reset', SILENCE, 'reset', VALID], 'AUTHGEAR_UNREACHABLE', 3]
]

t.test('silence to a session cookie is never an honest no: it is asked once more', async t => {
  for (const [what, answers, expected, requests] of doubtful) {
    await t.test(what, async t => {
      const upstream = await startUpstream(t, answering(...answers))
      t.strictSame(await openResolver(t, upstream.port).ask({ session: 's', bearer: 'b' }), expected)
      t.equal(upstream.requests.length, requests, `${requests} requests`)
    })
  }
  t.test('an empty session cookie counts as one', async t => {
    const upstream = await startUpstream(t, answering(SILENCE))
    t.match(await openResolver(t, upstream.port).ask({ session: '' }), { isConclusive: false })
  })
})

const TOKENS = { bearer: { bearer: 'b' }, app_session: { appSession: 'a' }, app_access_token: { appAccessToken: 'a' } }
const SILENT_TWICE = { resolution: SILENT, isConclusive: true }
const afterSilence: readonly Row[] = [
  ['silent, then somebody', [SILENCE, VALID], CONCLUSIVE, 2],
  ['silent, then nobody', [SILENCE, REFUSED], NOBODY, 2],
  ['silent twice is an honest no', [SILENCE, SILENCE, VALID], SILENT_TWICE, 2],
  ['silent, then an error, which is no refusal', [SILENCE, reply(503)], 'AUTHGEAR_STATUS', 2],
  ['one retry in all: 500, silent, 500', [reply(500), SILENCE, reply(500), VALID], 'AUTHGEAR_STATUS', 3]
]

t.test('silence to a token may be a passing fault: it is believed the second time', async (t) => {
  for (const [name, credential] of Object.entries(TOKENS)) {
    for (const [what, answers, expected, requests] of afterSilence) {
      await t.test(`${name}: ${what}`, async (t) => {
        const upstream = await startUpstream(t, answering(...answers))
        t.strictSame(await openResolver(t, upstream.port).ask(credential), expected)
        t.equal(upstream.requests.length, requests, `${requests} requests`)
      })
    }
  }
  for (const nothing of [{}, { bearer: '' }, { appSession: '' }, { appAccessToken: '' }]) {
    const upstream = await startUpstream(t, answering(SILENCE))
    t.strictSame(await openResolver(t, upstream.port).ask(nothing), SILENT_TWICE, 'no credential is answered so')
    t.equal(upstream.requests.length, 1)
  }
})

t.test('nobody listens', async t => {
  const upstream = await startUpstream(t, answering('hang'))
  await upstream.close()
  const resolver = openResolver(t, upstream.port)
  t.equal(await resolver.ask(), 'AUTHGEAR_UNREACHABLE')
  t.strictSame(resolver.outcomes, ['error'], 'and it is not tried again')
})

t.test('a name that does not resolve', async t => {
  const resolver = openResolver(t, 0, { resolverUrl: 'http://no-such-host.invalid/resolve', timeoutMs: 60_000 })
  t.equal(await resolver.ask(), 'AUTHGEAR_UNREACHABLE')
})

t.test('an idle connection that Authgear closed costs a retry and nothing else', async t => {
  const upstream = await startUpstream(t, (socket, _request, index) => {
    if (index === 1) socket.resetAndDestroy()
    else socket.write(VALID)
  })
  const resolver = openResolver(t, upstream.port)
  t.strictSame(await resolver.ask(), CONCLUSIVE)
  t.strictSame(await resolver.ask(), CONCLUSIVE)
  t.strictSame([upstream.requests.length, upstream.connections], [3, 2],
    'one connection for the first two requests, a second for the retry')
  t.strictSame(resolver.outcomes, ['valid', 'error', 'valid'])
})
