import { createRequire } from 'node:module'
import type * as undici from 'undici'

const require = createRequire(import.meta.url)

/**
 * Of undici only what asks Authgear: its index also loads fetch, WebSocket and Node's own copy of it all, which take
 * 14 MiB and an eighth of a start (docs/decisions/157-of-undici-only-its-pool.md).
 */
export class Pool extends (require('undici/lib/dispatcher/pool.js') as typeof undici.Pool) {}
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector
export const errors = require('undici/lib/core/errors.js') as typeof undici.errors
