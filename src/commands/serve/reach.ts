import { connect } from 'node:net'
import { codeOf } from '../../base/authgear/resolver/answer.ts'
import type { Log } from '../../base/logging/log.ts'

const TIMEOUT_MS = 5000
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** Warns at the start where nothing accepts a connection at the resolver's address: a typo would show as 503 only. */
export function warnUnlessReached (resolverUrl: string, log: Pick<Log, 'warn'>): void {
  const { protocol, hostname, port } = new URL(resolverUrl)
  const host = hostname.replaceAll(/[[\]]/g, '')
  const socket = connect({ host, port: port === '' ? PORTS[protocol] ?? 443 : Number(port) })
  const failed = (code: string): void => {
    socket.destroy()
    log.warn(
      { code }, `Authgear cannot be reached at ${resolverUrl}: check AUTHGEAR_ENDPOINT and AUTHGEAR_RESOLVER_URL, or run ` +
        'doctor; until it answers, requests get 503'
    )
  }
  socket.setTimeout(TIMEOUT_MS, () => failed('ETIMEDOUT')).once('error', (error) => failed(codeOf(error)))
  socket.once('connect', () => socket.destroy()).unref()
}
