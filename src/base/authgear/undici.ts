import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import type * as undici from 'undici'

export type { Dispatcher } from 'undici'
export type Connected = undici.buildConnector.Callback

const require = createRequire(import.meta.url)

/** The methods of this class itself: undici's index adds `request` and the like to all of its dispatchers. */
type OwnMethods = Pick<undici.Pool, 'dispatch' | 'destroy'>
const BarePool = require('undici/lib/dispatcher/pool.js') as
  new (origin: string, options: undici.Pool.Options) => OwnMethods

/**
 * The part of undici that asks Authgear: its index also loads fetch, WebSocket and Node's own copy of it all, which
 * take 14 MiB and an eighth of a start (docs/inside/decisions/157-of-undici-only-its-pool.md).
 */
export class Pool extends BarePool {
  readonly request = require('undici/lib/api/api-request.js') as undici.Pool['request']
}
const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector
export const errors = require('undici/lib/core/errors.js') as typeof undici.errors

/** @param ca PEM of authorities beside the public ones that Node ships */
export const authoritiesOf = (ca: string | undefined): Readonly<{ ca?: string[] }> =>
  ca === undefined ? {} : { ca: [...rootCertificates, ca] }

/** For requests whose Host names the public endpoint: undici would verify the server's certificate against that. */
export function connectorTo (
  hostname: string,
  options: undici.buildConnector.BuildOptions
): undici.buildConnector.connector {
  const connector = buildConnector(options)
  const servername = isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : ''
  return (to, callback) => connector({ ...to, servername }, callback)
}
