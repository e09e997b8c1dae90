import { createRequire } from 'node:module'
import type * as undici from 'undici'

export type { Dispatcher } from 'undici'

const require = createRequire(import.meta.url)

/** What this class has by itself: undici's index adds `request` and the like to all of its dispatchers. */
type OwnMethods = Pick<undici.Pool, 'dispatch' | 'destroy'>
const BarePool = require('undici/lib/dispatcher/pool.js') as
  new (origin: string, options: undici.Pool.Options) => OwnMethods

/**
 * Of undici only what asks Authgear: its index also loads fetch, WebSocket and Node's own copy of it all, which take
 * 14 MiB and an eighth of a start (docs/inside/decisions/157-of-undici-only-its-pool.md).
 */
export class Pool extends BarePool {
  readonly request = require('undici/lib/api/api-request.js') as undici.Pool['request']
}
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector
export const errors = require('undici/lib/core/errors.js') as typeof undici.errors
