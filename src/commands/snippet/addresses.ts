import { isIPv6 } from 'node:net'
import { listenAddress } from '../../config/kinds/listen-address.ts'
import { quote } from '../../config/quote.ts'
import { parseHost } from '../cert/host.ts'
import type { Address, Settings } from './settings.ts'

type Url = Settings['adapter']

/** What stands in for a value that is wrong: with an error nothing is ever made of it. */
const NOWHERE: Address = Object.freeze({ host: '', port: 0, text: '' })
const PORTS = { http: '80', https: '443' } as const

/** A name or an address and a port, and not one character more. */
export function readListen (text: string, errors: string[]): Address {
  const read = listenAddress.parse(text, () => '')
  if (read.kind === 'problem') errors.push(`--listen ${read.problem}`)
  else if (read.value.kind === 'unix') errors.push(`--listen ${quote(text)} must be host:port`)
  else if (read.value.port === 0) errors.push(`--listen ${quote(text)} needs a port that is not 0`)
  else return addressOf(read.value.host, read.value.port)
  return NOWHERE
}

/** `http://host:port` or `https://…`; a path would be the policy's place, a user none at all. */
export function readUrl (option: string, text: string, errors: string[]): Url {
  const [, scheme, host = '', port] = /^(https?):\/\/(\[[0-9a-fA-F:.]+\]|[^:/?#[\]@\s]+)(?::(\d{1,5}))?\/?$/.exec(text) ?? []
  const tls = scheme === 'https'
  const read = scheme === undefined ? undefined : listenAddress.parse(`${host}:${port ?? PORTS[tls ? 'https' : 'http']}`, () => '')
  if (read?.kind !== 'parsed' || read.value.kind !== 'tcp' || read.value.port === 0) {
    errors.push(`${option} ${quote(text)} must be http://host:port or https://host:port, with nothing behind it`)
    return { ...NOWHERE, tls, origin: '' }
  }
  const address = addressOf(read.value.host, read.value.port)
  return { ...address, tls, origin: `${tls ? 'https' : 'http'}://${address.text}` }
}

export const readAddress = ({ host, port, text }: Url): Address => ({ host, port, text })

export function readHost (text: string, errors: string[]): string {
  const host = parseHost(text)
  if (host?.kind === 'dns') return host.value
  errors.push(`--host ${quote(text)} must be the one DNS name that clients use (no port, no wildcard)`)
  return ''
}

function addressOf (host: string, port: number): Address {
  return { host, port, text: `${isIPv6(host) ? `[${host}]` : host}:${port}` }
}
