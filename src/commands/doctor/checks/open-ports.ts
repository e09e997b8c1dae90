import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { found, type Finding } from '../catalogue.ts'
import { type Context, looked, type Probe, skipped } from '../check.ts'
import { beginningOf } from '../page.ts'
import { type IncomingMessage, request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'

/** Default ports of apps, dashboards and this service, which people often publish. */
export const USUAL_PORTS: readonly number[] = Object.freeze([
  80, 443, 1880, 2019, 3000, 3001, 4000, 4180, 4181, 5000, 5601, 7575, 8000, 8001, 8008, 8080, 8081, 8088, 8090, 8096,
  8123, 8443, 8888, 8989, 9000, 9090, 9443, 9901
])
const LOOPBACK = /^(?:localhost|127\.[0-9.]+)$/

/** Does anything answer a stranger at the app's host, past the proxy? Such a port allows everybody. */
export const openPorts: Probe = {
  title: 'no other port of that host answers a stranger',
  async run ({ options: { url, ports, echo } }: Context) {
    if (url === undefined) return skipped('--url says where clients reach the app')
    const { hostname, port, protocol } = new URL(url)
    const asked = portsToAsk(hostname, Number(port || (protocol === 'https:' ? 443 : 80)), ports)
    if (asked.length === 0) return skipped('on this machine itself only --ports are asked; ask from another machine')
    const addresses = await addressesOf(hostname)
    if (addresses.length === 0) return skipped(`${hostname} does not resolve here`)
    const places = addresses.flatMap((address) => asked.map((one) => ({ hostname, address, port: one })))
    const heard = await Promise.all(places.map((place) => look(place, echo)))
    return { ...looked(...heard), notes: [`ports asked at ${addresses.join(' and ')}: ${asked.length}`] }
  }
}

/** @param own the port of `--url`, which other checks ask @param named those of `--ports` */
export function portsToAsk (hostname: string, own: number, named: readonly number[]): readonly number[] {
  const usual = LOOPBACK.test(hostname) ? [] : USUAL_PORTS
  return [...new Set([...usual, ...named])].filter((port) => port !== own)
}

/** IPv4 and IPv6: a firewall, or Docker's, often minds one of them only. */
async function addressesOf (hostname: string): Promise<readonly string[]> {
  try {
    return [...new Set((await lookup(hostname, { all: true })).map(({ address }) => address))]
  } catch {
    return []
  }
}

type Port = Readonly<{ hostname: string, address: string, port: number }>

async function look (place: Port, echo: string): Promise<Finding | undefined> {
  for (const protocol of ['http:', 'https:'] as const) {
    const first = await askStranger({ ...place, protocol, path: echo })
    if (first === 'nobody') return undefined
    if (first === 'not-this-protocol') continue
    const next = nextPath(first, { ...place, protocol })
    const last = next === undefined ? first : await askStranger({ ...place, protocol, path: next })
    const metrics = await askStranger({ ...place, protocol, path: '/metrics' })
    const at = originOf(place, protocol)
    return judge(at, { first, metrics }) ?? (isOpen(last) ? open(`${at}${next ?? echo}`, last.status) : undefined)
  }
  return undefined
}

const originOf = ({ address, port }: Port, protocol: string): string =>
  `${protocol}//${isIPv6(address) ? `[${address}]` : address}:${port}`

/** The target of a redirect to the same server, such as its own login page. */
function nextPath ({ status, location }: Heard, { hostname, port, protocol }: Port & { protocol: string }) {
  if (status < 300 || status >= 400 || location === undefined) return undefined
  const origin = `${protocol}//${hostname}:${port}`
  const next = URL.canParse(location, origin) ? new URL(location, origin) : undefined
  return next?.origin === new URL(origin).origin ? `${next.pathname}${next.search}` : undefined
}

const isOpen = (heard: Heard | string): heard is Heard =>
  typeof heard !== 'string' && heard.status >= 200 && heard.status < 300

const open = (address: string, status: number): Finding =>
  found('port-open', `${address} answers ${status} to a stranger`)

/** Behind a proxy the reason comes with a refusal, and never with the 404 that our own listener gives for any page. */
function judge (at: string, heard: Readonly<{ first: Heard, metrics: Heard | string }>): Finding | undefined {
  const { first, metrics } = heard
  if (isOpen(metrics) && metrics.body.includes('forward_auth_build_info')) {
    return found('port-own', `${at}/ is the management listener of this service`)
  }
  return first.status === 404 && first.reason !== undefined
    ? found('port-own', `${at}/ is the main listener of this service`)
    : undefined
}

const TIMEOUT_MS = 3_000

/** Asked at an address under the name that clients use, without any credential. */
type Asked = Readonly<{
  protocol: 'http:' | 'https:'
  hostname: string
  address: string
  port: number
  path: string
}>

type Heard = Readonly<{
  status: number
  body: string
  location: string | undefined
  /** The reason of this service, where it answers. */
  reason: string | undefined
}>

/**
 * Sends nothing but the name, so that the certificate need not be a good one.
 * @returns `nobody` where no connection comes about; `not-this-protocol` where the other end does not understand
 */
async function askStranger (asked: Asked): Promise<Heard | 'nobody' | 'not-this-protocol'> {
  const { protocol, hostname, address, port, path } = asked
  const ask = protocol === 'https:' ? askHttps : askHttp
  return await new Promise((resolve) => {
    let isConnected = false
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const headers = { host: `${hostname}:${port}` }
    const tls = { servername: isIP(hostname) === 0 ? hostname : '', rejectUnauthorized: false }
    const outgoing = ask({ host: address, port, path, headers, agent: false, signal, ...protocol === 'https:' && tls })
    outgoing.once('socket', (socket) => socket.once('connect', () => { isConnected = true }))
    outgoing.on('error', () => { resolve(isConnected ? 'not-this-protocol' : 'nobody') })
    // the one sign of an upgrade that nobody asked for
    outgoing.once('close', () => { resolve('not-this-protocol') })
    outgoing.once('response', (answer) => { resolve(read(answer)) })
    outgoing.end()
  })
}

async function read (answer: IncomingMessage): Promise<Heard | 'not-this-protocol'> {
  const { statusCode: status = 0, headers: { location, 'x-forward-auth-reason': reason } } = answer
  const { body } = await beginningOf(answer)
  // what TLS servers answer to plain HTTP
  if (status === 400 && /https/i.test(body)) return 'not-this-protocol'
  return { status, body, location, reason: reason?.toString() }
}
