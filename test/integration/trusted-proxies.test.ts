import { connect, constants } from 'node:http2'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { overTls, startInProcess, type InProcess, type InProcessOptions } from '../helpers/in-process.ts'
import { metricOf } from '../helpers/in-process-on-clock.ts'
import { IS_ALL } from '../helpers/runs.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { tempDir } from '../helpers/temp-dir.ts'
import { makeTls } from '../helpers/tls.ts'
import { PROTOCOLS, type HttpProtocol } from '../helpers/in-process-over.ts'

const tls = makeTls(t)
// Linux: every address of 127.0.0.0/8 is this machine's, so that peers can be told apart
const TRUSTED = '127.0.0.1'
const STRANGER = '127.0.0.9'
const CLIENT = '203.0.113.9'
const SPOOFED = '198.51.100.66'

interface Row {
  readonly name: string
  /** Over HTTP/2 in npm test as well, which has not all rows: the peer and the lines are read by the same code. */
  readonly isOverBoth?: true
  /** TRUSTED_PROXIES; the peer 127.0.0.1 alone unless another is named. */
  readonly trusted?: string
  readonly peer?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** What Authgear is told; undefined = no X-Forwarded-For at all. */
  readonly told: string | undefined
  /** The chain is over the bounds. */
  readonly isIgnored?: true
}

const xff = (value: string | readonly string[]) => ({ headers: { 'x-forwarded-for': value } })
const TWO = '127.0.0.1,10.0.0.2'
/** In `npm test` over HTTP/2 as well. */
const both = (name: string, told: string | undefined, more: Omit<Row, 'name' | 'told'>): Row =>
  ({ name, told, isOverBoth: true, ...more })
/** Two proxies are trusted, the peer and 10.0.0.2. */
const two = (value: string | readonly string[]) => ({ trusted: TWO, ...xff(value) })
const OTHER_NAMES = [
  'x-real-ip', 'x-client-ip', 'true-client-ip', 'cf-connecting-ip', 'x-original-for', 'x-cluster-client-ip',
  'fastly-client-ip', 'x_forwarded_for', 'x-forwarded', 'x-envoy-external-address'
]

const ROWS: readonly Row[] = [
  { name: 'a trusted peer that names nobody stands for itself', told: TRUSTED },
  both('a trusted peer names the client', CLIENT, xff(CLIENT)),
  { name: 'a stranger stands for itself', peer: STRANGER, told: STRANGER },
  both('what a stranger names is ignored', STRANGER, { peer: STRANGER, ...xff(SPOOFED) }),
  both('even where it names a trusted one', STRANGER, { peer: STRANGER, ...xff(`${SPOOFED}, ${TRUSTED}`) }),
  both('TRUSTED_PROXIES=none: nobody is believed', TRUSTED, { trusted: 'none', ...xff(SPOOFED) }),
  { name: 'another range is trusted, not this peer', trusted: '10.0.0.0/8,linklocal', ...xff(SPOOFED), told: TRUSTED },
  { name: 'a range that holds the peer', trusted: '127.0.0.8/29', peer: STRANGER, ...xff(CLIENT), told: CLIENT },
  { name: 'loopback by name', trusted: 'loopback', peer: STRANGER, ...xff(CLIENT), told: CLIENT },
  // chains: the rightmost one that is not trusted is the client
  both('a spoofed entry before the client’s', CLIENT, xff(`${SPOOFED}, ${CLIENT}`)),
  { name: 'many spoofed entries', ...xff(`${TRUSTED}, ${SPOOFED}, 10.0.0.2, ${SPOOFED}, ${CLIENT}`), told: CLIENT },
  { name: 'two proxies, both trusted', ...two(`${CLIENT}, 10.0.0.2`), told: CLIENT },
  { name: 'two proxies, both trusted, and a spoofed entry', ...two(`${SPOOFED}, ${CLIENT}, 10.0.0.2`), told: CLIENT },
  { name: 'two proxies, the outer one not trusted: all are one', ...xff(`${CLIENT}, 10.0.0.2`), told: '10.0.0.2' },
  both('a proxy’s address that the client claims', CLIENT, two(`${SPOOFED}, 10.0.0.2, ${CLIENT}`)),
  { name: 'all are trusted: the leftmost', ...two('10.0.0.2, 127.0.0.1'), told: '10.0.0.2' },
  both('several lines are one list', CLIENT, two([SPOOFED, CLIENT, '10.0.0.2'])),
  { name: 'no blanks', ...two(`${SPOOFED},${CLIENT},10.0.0.2`), told: CLIENT },
  { name: 'many blanks', ...two(`${SPOOFED} ,   ${CLIENT}   ,  10.0.0.2`), told: CLIENT },
  // garbage: Authgear is told nothing rather than that
  { name: 'garbage', ...xff('unknown'), told: undefined },
  { name: 'garbage before the client', ...xff(`<script>, ${CLIENT}`), told: CLIENT },
  both('garbage after the client hides it', undefined, xff(`${CLIENT}, _hidden`)),
  { name: 'garbage from a stranger', peer: STRANGER, ...xff('unknown'), told: STRANGER },
  { name: 'an address that is none', ...xff('203.0.113.256'), told: undefined },
  { name: 'an address of octal parts', ...xff('0203.0.0113.011'), told: undefined },
  { name: 'an address as one number', ...xff('3405803785'), told: undefined },
  { name: 'a port is no part of an address', ...xff(`${CLIENT}:1234`), told: undefined },
  { name: 'a bracketed address', ...xff('[2001:db8::1]'), told: undefined },
  { name: 'a list of 1,000', ...xff(`${`${SPOOFED}, `.repeat(1000)}${CLIENT}`), told: CLIENT },
  { name: 'the client behind 31 proxies, all trusted', ...two(`${CLIENT}${', 10.0.0.2'.repeat(31)}`), told: CLIENT },
  both('the client behind more proxies than anybody has', TRUSTED,
    { ...two(`${CLIENT}${', 10.0.0.2'.repeat(32)}`), isIgnored: true }),
  {
    name: '3,600 hops, all trusted: the worst that fits into a head',
    ...two('10.0.0.2, '.repeat(3600).slice(0, -2)),
    told: TRUSTED,
    isIgnored: true
  },
  {
    name: 'a client hidden behind 2 KiB of blanks',
    ...two(`${CLIENT}, ${' '.repeat(2048)}10.0.0.2`),
    told: TRUSTED,
    isIgnored: true
  },
  {
    name: 'a client before 1,000 hops of its own making',
    ...two(`${'10.0.0.2, '.repeat(1000)}${CLIENT}, 10.0.0.2`),
    told: CLIENT
  },
  // IPv6
  { name: 'an IPv6 client', ...xff('2001:db8::1'), told: '2001:db8::1' },
  { name: 'a spoofed entry before an IPv6 client', ...xff(`${SPOOFED}, 2001:db8::1`), told: '2001:db8::1' },
  { name: 'an IPv6 proxy that is trusted', trusted: `${TRUSTED},fd00::/8`, ...xff(`${CLIENT}, fd00::2`), told: CLIENT },
  { name: 'an IPv6 proxy that is not', ...xff(`${CLIENT}, fd00::2`), told: 'fd00::2' },
  { name: 'an IPv4 proxy in IPv6 clothes is the same one', ...two(`${CLIENT}, ::ffff:10.0.0.2`), told: CLIENT },
  // nothing else names a client
  both('Forwarded is never read', TRUSTED, { headers: { forwarded: `for=${SPOOFED}` } }),
  both('nor are the names that others have for it', TRUSTED,
    { headers: Object.fromEntries(OTHER_NAMES.map((name) => [name, SPOOFED])) }),
  both('nor do they count beside it', CLIENT,
    { headers: { 'x-forwarded-for': CLIENT, forwarded: `for=${SPOOFED}`, 'x-real-ip': SPOOFED } })
]

/** What of a forwarding proxy may reach Authgear: these three, and of them only one is the client's. */
const OF_FORWARDING =
  /^(forwarded|via|x-forwarded.*|x-real-ip|x-original.*|.*client-?ip|x-envoy.*|x_forwarded.*|cf-.*)$/

interface World {
  readonly adapter: InProcess
  readonly url: string
  /** What Authgear was sent of forwarding, in lower case; sorted. */
  readonly sent: () => ReadonlyArray<readonly [string, string]>
}

async function start (t: Test, options: Partial<InProcessOptions>): Promise<World> {
  const simulator = await startSimulator(t)
  const adapter = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...options })
  const sent = () => {
    const { lastRawHeaders: raw } = simulator.counters
    const lines = raw.flatMap((name, i) => i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : [])
    return lines.filter(([name]) => OF_FORWARDING.test(name)).sort()
  }
  return { adapter, url: simulator.url, sent }
}

function expected (url: string, told: string | undefined): ReadonlyArray<readonly [string, string]> {
  const { host } = new URL(url)
  return [
    ...(told === undefined ? [] : [['x-forwarded-for', told] as const]),
    ['x-forwarded-host', host],
    ['x-forwarded-proto', 'http']
  ]
}

const authorization = `Bearer ${demo.alice.accessToken}`

const ASK: Readonly<
  Record<HttpProtocol, (port: number, peer: string, headers: NonNullable<Row['headers']>) => Promise<number>>
> = {
  'HTTP/1.1': async (port, peer, headers) => await statusOf({ host: '127.0.0.1', port, localAddress: peer }, headers),
  'HTTP/2': async (port, peer, headers) => {
    const session = connect(`https://localhost:${port}`, {
      ca: tls.ca, localAddress: peer, host: '127.0.0.1'
    } as object)
    try {
      const stream = session.request({
        [constants.HTTP2_HEADER_PATH]: '/verify', authorization, ...(headers as Record<string, string | string[]>)
      })
      return await new Promise((resolve, reject) => {
        session.once('error', reject)
        stream.once('response', ({ ':status': status = 0 }) => resolve(status)).once('error', reject).resume().end()
      })
    } finally {
      session.destroy()
    }
  }
}

async function statusOf (where: object, headers: NonNullable<Row['headers']>): Promise<number> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const lines = { authorization, ...headers } as Record<string, string | string[]>
    request({ ...where, path: '/verify', agent: false, headers: lines }, resolve).once('error', reject).end()
  })
  await text(response)
  return response.statusCode ?? 0
}

for (const protocol of PROTOCOLS) {
  t.test(`what Authgear is told of the client, over ${protocol}`, async (t) => {
    const rows = ROWS.filter(({ isOverBoth = false }) => protocol === 'HTTP/1.1' || IS_ALL || isOverBoth)
    for (const { name, trusted = TRUSTED, peer = TRUSTED, headers = {}, told, isIgnored = false } of rows) {
      await t.test(name, async (t) => {
        const { adapter, url, sent } = await start(t, {
          TRUSTED_PROXIES: trusted, ...protocol === 'HTTP/2' && overTls(tls)
        })
        t.equal(await ASK[protocol](adapter.port, peer, headers), 200)
        t.strictSame(sent(), expected(url, told))
        t.equal(adapter.lines.find(({ endpoint }) => endpoint === 'verify')?.['client'], told, 'and so says the log')
        t.equal(await metricOf(adapter, 'forward_auth_forwarded_for_ignored_total'), isIgnored ? 1 : 0, 'counted once')
      })
    }
  })
}

t.test('a peer on a unix socket counts as loopback', async (t) => {
  const rows: ReadonlyArray<
    readonly [what: string, trusted: string, headers: NonNullable<Row['headers']>, told: string | undefined]
  > = [
    ['names the client', 'loopback', { 'x-forwarded-for': CLIENT }, CLIENT],
    ['a spoofed entry before it', 'loopback', { 'x-forwarded-for': `${SPOOFED}, ${CLIENT}` }, CLIENT],
    ['names nobody', 'loopback', {}, undefined],
    ['names garbage', 'loopback', { 'x-forwarded-for': 'unknown' }, undefined],
    ['an outer proxy that is trusted', 'loopback,10.0.0.2', { 'x-forwarded-for': `${CLIENT}, 10.0.0.2` }, CLIENT],
    ['nobody is trusted', 'none', { 'x-forwarded-for': SPOOFED }, undefined],
    ['others are trusted', '10.0.0.0/8', { 'x-forwarded-for': SPOOFED }, undefined]
  ]
  for (const [what, trustedProxies, headers, told] of rows) {
    await t.test(what, async (t) => {
      const path = join(tempDir(t, 'sock'), 'verify.sock')
      const { url, sent } = await start(t, { TRUSTED_PROXIES: trustedProxies, LISTEN: `unix:${path}` })
      t.equal(await statusOf({ socketPath: path }, headers), 200)
      t.strictSame(sent(), expected(url, told))
    })
  }
})

t.test('on a listener for both IP versions an IPv4 peer is the same peer', async (t) => {
  for (const [trustedProxies, told] of [[TRUSTED, CLIENT], ['10.0.0.0/8', /^(::ffff:)?127\.0\.0\.1$/]] as const) {
    const { adapter, sent } = await start(t, { TRUSTED_PROXIES: trustedProxies, LISTEN: '[::]:0' })
    t.equal(await statusOf({ host: '127.0.0.1', port: adapter.port }, { 'x-forwarded-for': CLIENT }), 200)
    t.match(sent()[0]?.[1], told)
  }
})

t.test('a client’s address never decides anything', async (t) => {
  const { adapter } = await start(t, { TRUSTED_PROXIES: 'loopback' })
  for (const address of ['127.0.0.1', '::1', '10.0.0.1', 'localhost', '', '*']) {
    const headers = { authorization: 'Basic x', 'x-forwarded-for': address }
    t.equal(await statusOf({ host: '127.0.0.1', port: adapter.port }, headers), 401)
  }
})
