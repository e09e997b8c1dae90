import { isIP, isIPv4, isIPv6 } from 'node:net'
import { posix } from 'node:path'
import { type Kind, type ListenAddress, parsed, type Parsed, problem, quote } from '../kind.ts'
import type { RedisAddress } from '../../redis/options.ts'

const HOST_PATTERN = /^(?:\*\.)?[a-z\d](?:[a-z\d_-]{0,61}[a-z\d])?(?:\.[a-z\d](?:[a-z\d_-]{0,61}[a-z\d])?)*$/

/** Host names as a browser's address bar has them, without scheme, port and path. */
export const hostNames: Kind<readonly string[]> = Object.freeze({
  accepts: 'host names or `*.example.com`, separated by commas',
  parse: (text: string) => {
    const names = text.split(',').map((name) => name.trim().toLowerCase())
    const wrong = names.find((name) => !HOST_PATTERN.test(name))
    return wrong === undefined
      ? parsed(names, names.join(','))
      : problem(`${quote(wrong)} is not a host name: write status.example.com or *.example.com, without scheme and port`)
  }
})

// sun_path of Linux holds 108 bytes with the closing zero
const LONGEST_SOCKET_PATH = 107
const FORMS = 'write host:port, [IPv6]:port or unix:/path'

function unix (text: string): Parsed<ListenAddress> {
  const path = text.slice('unix:'.length)
  if (!path.startsWith('/')) return problem(`${quote(text)} needs an absolute path after unix:`)
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    return problem(`the socket's path is longer than ${LONGEST_SOCKET_PATH} bytes`)
  }
  return parsed({ kind: 'unix', path: posix.normalize(path) }, text)
}

/** A name or an IPv4 address. */
function isHost (host: string): boolean {
  // digits and dots only must be a real IPv4 address, or 256.0.0.1 would be looked up as a name
  if (/^[\d.]+$/.test(host)) return isIPv4(host)
  return /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/.test(host)
}

/** @returns undefined where it has another form; without a host where that cannot be one */
function readHostAndPort (text: string): Readonly<{ host: string | undefined, port: number }> | undefined {
  const [, v6, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = v6 ?? name
  if (host === undefined) return undefined
  return { host: (v6 === undefined ? isHost(host) : isIPv6(host)) ? host : undefined, port: Number(digits) }
}

function tcp (text: string): Parsed<ListenAddress> {
  if (/^:?\d+$/.test(text)) {
    return problem(`${quote(text)} lacks a host: write 0.0.0.0:${text.replace(':', '')} for every interface`)
  }
  const read = readHostAndPort(text)
  if (read === undefined) return problem(`${quote(text)} is not an address: ${FORMS}`)
  const { host, port } = read
  if (host === undefined) return problem(`${quote(text)} has no valid host: ${FORMS}`)
  if (port > 65_535) return problem(`${quote(text)} has a port above 65535`)
  return parsed({ kind: 'tcp', host, port }, text)
}

/** An address as others ask it: `localhost` may be the name in a certificate. */
export const askedAddress = Object.freeze({
  accepts: '`host:port`, `[IPv6]:port` or `unix:/path`',
  parse: (text: string): Parsed<ListenAddress> => text.startsWith('unix:') ? unix(text) : tcp(text)
})

/** For `localhost` Fastify would open another server for each address beyond the first, without limits and drain. */
export const listenAddress: Kind<ListenAddress> = Object.freeze({
  accepts: askedAddress.accepts,
  parse: (text: string) => {
    const read = askedAddress.parse(text)
    const isName = read.kind === 'parsed' && read.value.kind === 'tcp' && read.value.host.toLowerCase() === 'localhost'
    return isName ? parsed({ ...read.value, host: '127.0.0.1' }, text) : read
  }
})

const FORM = 'write host:port,host:port'

function address (text: string): Parsed<RedisAddress> {
  const read = readHostAndPort(text)
  if (read === undefined) return problem(`${quote(text)} is not an address with its port: ${FORM}`)
  const { host, port } = read
  if (host === undefined) return problem(`${quote(text)} has no valid host: ${FORM}`)
  return port >= 1 && port <= 65_535
    ? parsed({ host, port }, text)
    : problem(`${quote(text)} has a port that is not from 1 to 65535`)
}

/** Several servers, of which any may be down. Credentials have variables of their own: nothing here is secret. */
export const redisAddresses: Kind<readonly RedisAddress[]> = Object.freeze({
  accepts: '`host:port` or `[IPv6]:port`, separated by commas',
  parse: (text: string) => {
    if (/[@/]/.test(text)) {
      return problem(
        `must be addresses without redis://, user, password and database: ${FORM}, and use REDIS_TLS, REDIS_USERNAME ` +
          'and REDIS_PASSWORD'
      )
    }
    const addresses = text.split(',').map((part) => part.trim()).filter((part) => part !== '').map(address)
    const wrong = addresses.find((one) => one.kind === 'problem')
    if (wrong !== undefined) return wrong
    const values = addresses.flatMap((one) => one.kind === 'parsed' ? [one.value] : [])
    return values.length === 0
      ? problem(`names no server: ${FORM}`)
      : parsed(values, addresses.flatMap((one) => (one.kind === 'parsed' ? [one.shown] : [])).join(','))
  }
})

const NAMES: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** Why proxy-addr would not take this entry; undefined when it would. */
function trustedProxyProblem (entry: string): string | undefined {
  if (NAMES.has(entry)) return undefined
  if (entry === 'none') return 'none stands alone'
  const [address = '', bits, ...rest] = entry.split('/')
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0 || rest.length > 0) {
    return `${quote(entry)} is not an address, a CIDR or one of loopback, linklocal, uniquelocal`
  }
  if (bits === undefined) return undefined
  const size = /^\d{1,3}$/.test(bits) ? Number(bits) : NaN
  // a /0 would let every client write its own address
  if (size === 0) return `${quote(entry)} would trust everybody: name the proxies' network`
  return size <= (version === 4 ? 32 : 128) ? undefined : `${quote(entry)} has no valid prefix length`
}

export const trustedProxies: Kind<readonly string[]> = Object.freeze({
  accepts: 'a comma-separated list of addresses, CIDRs, `loopback`, `linklocal`, `uniquelocal`; or `none`',
  parse: (text: string) => {
    if (text === 'none') return parsed([], text)
    const entries = text.split(',').map(entry => entry.trim())
    const problems = entries.map(trustedProxyProblem).filter(found => found !== undefined)
    return problems.length === 0 ? parsed(entries, text) : problem(problems.join('; '))
  }
})
