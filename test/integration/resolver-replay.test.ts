import t, { type Test } from 'tap'
import { startInProcess, type InProcess } from '../helpers/in-process.ts'
import { sendRaw, type RawAnswer } from '../helpers/raw-http.ts'
import { headersNamed, recordedExchanges, type Exchange } from '../helpers/recorded.ts'
import {
  cookiePrefixOf, ENDPOINT, expectedAnswer, expectedRequest, headersOf, sentBy, type Expected
} from '../helpers/replay.ts'
import { startUpstream, type Upstream } from '../helpers/upstream.ts'

/**
 * Where the answer does not follow from the credentials and Authgear's answer alone, each with the reason. `0`: closed
 * without an answer.
 */
const EXCEPTIONS: Readonly<
  Record<string, readonly [status: number | readonly number[], reason: string | undefined, why: string]>
> = {
  'jwt-expired': [
    401, 'expired_credentials', 'its exp passed long ago and there is no other credential: Authgear is not asked'
  ],
  'ctl-in-cookie': [400, undefined, 'Node refuses a control byte in a header, as Authgear does'],
  'ctl-nul-in-cookie': [400, undefined, 'Node refuses NUL in a header, as Authgear does'],
  'ctl-del-in-bearer': [400, undefined, 'Node refuses DEL in a header, as Authgear does'],
  'bare-cr-in-header': [400, undefined, 'Node refuses a bare CR, as Authgear does'],
  'header-obs-fold': [400, undefined, 'Node refuses folded header lines, where Authgear joins them'],
  'header-space-before-colon': [400, undefined, 'Node refuses it, as Authgear does'],
  'no-host': [400, undefined, 'HTTP/1.1 needs a Host, as at Authgear'],
  'method-FOO': [400, undefined, "not a method of Node's parser (docs/interface.md)"],
  'method-CONNECT': [0, undefined, 'Node hands CONNECT to nobody here and closes'],
  'h2-prior-knowledge': [400, undefined, 'HTTP/2 is spoken over TLS only'],
  'cookie-70k': [[431, 0], undefined, 'headers are limited to 64 KiB; what was not read may take the answer with it'],
  'cookie-1.1M': [[431, 0], undefined, 'headers are limited to 64 KiB, as at Authgear to 1 MiB']
}

/**
 * Exchanges whose recorded answer comes of what the adapter never passes on (method, path, host, forwarding headers, a
 * declared body): to the adapter's own request Authgear says what it said to the same credentials in the exchange named
 * here.
 */
const STAND_INS: readonly (readonly [name: RegExp, standIn: string])[] = [
  [
    /^method-(POST|PUT|DELETE|PATCH|OPTIONS|TRACE)$|^GET-content-length-unsent$|^XFH-evil$|^xf[ph]-(space|bad|space-list)/,
    'bearer-opaque-valid'
  ],
  [/^cookie-garbage-XFP-list$/, 'cookie-session-unknown-id'],
  [/^jwt-(aud-|Host-)/, 'jwt-resigned-control'],
  [/^cfg-public_origin-example\/jwt-(?!same)/, 'cfg-public_origin-example/jwt-same-XFH-https'],
  [/^dbsource\/(unknown-host|XFH-unknown|XFH-upper|XFH-trailing-dot|XFP-list)$/, 'dbsource/known-host'],
  [/^dbsource\/XFH-custom-domain-jwt$/, 'bearer-jwt-valid']
]

const exchanges = recordedExchanges()
const standInOf = ({ name }: Exchange): Exchange | undefined => {
  const standIn = STAND_INS.find(([pattern]) => pattern.test(name))?.[1]
  return exchanges.find(one => one.name === standIn)
}

t.equal(exchanges.length, 289, 'the whole recording is there')
t.strictSame(Object.keys(EXCEPTIONS).filter((name) => !exchanges.some((one) => one.name === name)), [],
  'every exception is of an exchange')

t.test('the adapter answers what follows from Authgear\'s recorded answer', async t => {
  const world = await open(t)
  for (const exchange of exchanges) {
    await t.test(`${exchange.name}: ${exchange.why.slice(0, 80)}`, (t) => replay(t, world, exchange, exchange.response))
  }
})

t.test('asks about the credentials, whatever else the client sends', async (t) => {
  const world = await open(t)
  const alike = exchanges.filter((exchange) => standInOf(exchange) !== undefined)
  t.equal(alike.length, 29)
  for (const exchange of alike) {
    await t.test(`${exchange.name}: as ${standInOf(exchange)?.name}`, (t) =>
      replay(t, world, exchange, standInOf(exchange)?.response ?? exchange.response)
    )
  }
})

interface World {
  readonly upstream: Upstream
  /** Where Authgear does not answer (-1) it is not waited for long. */
  readonly adapterFor: (t: Test, prefix: string, status: number) => Promise<InProcess>
}

/** One for each exchange without a 200, since after some of them a circuit breaker would be open. */
async function open (t: Test): Promise<World> {
  const upstream = await startUpstream(t, () => {})
  const start = (t: Test, cookiePrefix: string, isSilent: boolean): Promise<InProcess> =>
    startInProcess(t, {
      AUTHGEAR_ENDPOINT: ENDPOINT,
      AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${upstream.port}/resolve`,
      AUTHGEAR_COOKIE_PREFIX: cookiePrefix,
      CACHE_TTL: '0',
      CACHE_NEGATIVE_TTL: '0',
      AUTHGEAR_TIMEOUT: `${isSilent ? 500 : 30_000}ms`,
      TRUSTED_PROXIES: 'none'
    })
  const shared = new Map<string, Promise<InProcess>>()
  const adapterFor = (own: Test, prefix: string, status: number): Promise<InProcess> => {
    if (status !== 200) return start(own, prefix, status === -1)
    const one = shared.get(prefix) ?? start(t, prefix, false)
    shared.set(prefix, one)
    return one
  }
  return { upstream, adapterFor }
}

async function replay (
  t: Test,
  { upstream, adapterFor }: World,
  exchange: Exchange,
  response: Exchange['response']
): Promise<void> {
  const adapter = await adapterFor(t, cookiePrefixOf(exchange), response.status)
  const sent = sentBy(exchange, ENDPOINT)
  const expected = EXCEPTIONS[exchange.name] === undefined ? expectedAnswer(sent, response) : exceptional(exchange.name)
  upstream.forget()
  upstream.script = socket => { if (response.status !== -1) socket.write(bytesOfAnswer(response), 'latin1') }
  const answer = await sendRaw(adapter.port, bytesOfRequest(exchange))
  if (expected.reason === undefined) return refusedByNode(t, answer, exchange.name, upstream)
  compare(t, answer, expected)
  t.equal(upstream.requests.length, expected.asked, `Authgear is asked ${expected.asked} times`)
  for (const { line, headers } of upstream.requests) {
    t.equal(line, 'GET /resolve HTTP/1.1')
    t.strictSame(headers.map(([name, value]) => `${name}: ${value}`).toSorted(),
      expectedRequest(exchange, sent, new URL(ENDPOINT).host), 'it gets what was keyed and nothing else')
  }
}

function exceptional (name: string): Expected {
  const [status = 0, reason] = EXCEPTIONS[name] ?? []
  return { status: Number(status), reason, asked: 0, identity: [] }
}

function compare (t: Test, answer: RawAnswer | undefined, { status, reason, identity }: Expected): void {
  const header = (name: string): string | undefined => answer?.headers.find(([one]) => one.toLowerCase() === name)?.[1]
  t.strictSame([answer?.status, header('x-forward-auth-reason')], [status, reason])
  t.strictSame(
    headersNamed(answer?.headers ?? [], /^x-authgear-/i),
    [...identity].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    status === 200 ? 'all identity headers, absent ones empty' : 'no identity'
  )
  t.equal(header('set-cookie'), undefined)
  t.equal(header('cache-control'), 'no-store')
  if (status === 200) t.strictSame([header('content-length'), answer?.body], ['0', ''], 'and no body')
}

function refusedByNode (t: Test, answer: RawAnswer | undefined, name: string, upstream: Upstream): void {
  const statuses = [EXCEPTIONS[name]?.[0] ?? 0].flat()
  t.ok(statuses.includes(answer?.status ?? 0), `${answer?.status ?? 'closed'}: ${EXCEPTIONS[name]?.[2]}`)
  t.equal(upstream.requests.length, 0, 'Authgear is not asked')
}

function bytesOfRequest (exchange: Exchange): string {
  if (exchange.name === 'h2-prior-knowledge') return 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  const { method, version = 'HTTP/1.1', body = '' } = exchange.request
  const lines = headersOf(exchange, ENDPOINT).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} /verify ${version}\r\n${lines.join('')}\r\n${body}`
}

/** As it was recorded, to a GET. */
function bytesOfAnswer ({ status, headers, body }: Exchange['response']): string {
  const lines = headers.filter(([name]) => !/^content-length$/i.test(name))
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} Recorded\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`
}
