import { isIPv6 } from 'node:net'
import { type Kind, parsed, type Parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'
import type { Address } from '../types.ts'
import { isHost } from './listen-address.ts'

const FORM = 'write host:port,host:port'

function address (text: string): Parsed<Address> {
  const [, v6, name, digits] = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = v6 ?? name
  if (host === undefined || digits === undefined) return problem(`${quote(text)} is not an address with its port: ${FORM}`)
  if (v6 === undefined ? !isHost(host) : !isIPv6(host)) return problem(`${quote(text)} has no valid host: ${FORM}`)
  const port = Number(digits)
  return port >= 1 && port <= 65_535 ? parsed({ host, port }, text) : problem(`${quote(text)} has a port that is not from 1 to 65535`)
}

/** Several servers, of which any may be down. Credentials have variables of their own: nothing here is secret. */
export const redisAddresses: Kind<readonly Address[]> = Object.freeze({
  accepts: '`host:port` or `[IPv6]:port`, separated by commas',
  parse: (text: string) => {
    if (/[@/]/.test(text)) return problem(`must be addresses without redis://, user, password and database: ${FORM}, and use REDIS_TLS, REDIS_USERNAME and REDIS_PASSWORD`)
    const addresses = text.split(',').map((part) => part.trim()).filter((part) => part !== '').map(address)
    const wrong = addresses.find((one) => one.kind === 'problem')
    if (wrong !== undefined) return wrong
    const values = addresses.flatMap((one) => one.kind === 'parsed' ? [one.value] : [])
    return values.length === 0 ? problem(`names no server: ${FORM}`) : parsed(values, addresses.flatMap((one) => one.kind === 'parsed' ? [one.shown] : []).join(','))
  }
})
