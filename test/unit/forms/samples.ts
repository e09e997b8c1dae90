import type { CacheKey, CredentialDigest } from '../../../src/base/core/cache-key.ts'
import type { ClientName } from '../../../src/base/core/client-name.ts'
import type { Entry } from '../../../src/base/core/entry.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import type { Reported } from '../../../src/base/http/access-log.ts'
import type { HandlerResult } from '../../../src/base/http/types.ts'
import type { Admitted } from '../../../src/base/identity/presenter.ts'
import type { Profile } from '../../../src/base/identity/profile.ts'
import type { Replica } from '../../../src/base/parts/given.ts'
import type { Mark } from '../../../src/base/revocation/block-mark.ts'
import type { Revocation } from '../../../src/base/revocation/types.ts'
import type { AccessRecordDeps } from '../../../src/parts/access-record/record.ts'
import type { KeySet, StoredKey } from '../../../src/parts/assertion/key-set.ts'
import type { Position } from '../../../src/parts/audit-log/position.ts'
import type { ClientSeen } from '../../../src/parts/clients/clients-seen.ts'
import type { Held } from '../../../src/parts/events/check.ts'
import type { AuthgearsSignedOut } from '../../../src/parts/login/flow/authgears-sign-out.ts'
import type { OwnSignedOut } from '../../../src/parts/login/flow/own-sign-out.ts'
import type {
  AuthgearsBrowser, AuthgearsState, Browser as OwnBrowser, OwnState
} from '../../../src/parts/login/flow/state.ts'
import type { SessionRecord } from '../../../src/parts/login/sessions/record.ts'
import type { StoredProfile } from '../../../src/parts/profile/shared.ts'
import type { StoredPair } from '../../../src/parts/tokens/basic/record.ts'
import { entryOf } from '../../helpers/entry.ts'

/*
 * One sample of each thing whose form crosses processes or time, with every field: `Required` makes a field that is
 * added to its type fail the types here, at the commit that adds it.
 */
export const AT = 1_800_000_000_000 as EpochMs
export const KEY = 'k'.repeat(43) as CacheKey

export const DIGEST = 'd1' as unknown as CredentialDigest

export const ENTRY: Required<Entry> = {
  ...entryOf(), digests: [DIGEST], ttlMs: 1, sealedAt: AT
}

export const REVOCATION: Required<Omit<Revocation, 'others'>> = {
  target: { kind: 'user', userId: 'u' }, origin: 'webhook', quietMs: 2000, ends: 0
}

export const RECORD: Required<Omit<SessionRecord, 'others'>> = {
  version: 3,
  host: 'app.example.com',
  userId: 'u',
  sid: 's',
  refreshToken: 'r',
  accessToken: 'a',
  accessEndsAt: AT,
  accessLifeMs: 1,
  idToken: 'i',
  authTime: 1,
  amr: ['pwd'],
  createdAt: AT,
  usedAt: AT,
  rotates: true,
  hasFullAccess: true
}

export const BLOCKS: ReadonlyArray<readonly [ClientName, Required<Omit<Mark, 'more'>>]> = [
  ['c' as ClientName, { isBlocked: true, at: 5, origin: 'management' }]
]

const STORED_KEY: Required<StoredKey> = { pkcs8: 'p', algorithm: 'ES256', from: 1, until: AT }
export const KEY_SET: Required<KeySet> = { since: 1, sid: 's', keys: [STORED_KEY] }

const PROFILE: Required<Profile> = {
  email: 'e', name: 'n', username: 'u', phone: 'p', picture: 'x', groups: ['g']
}
export const STORED: Required<StoredProfile> = {
  profile: PROFILE, address: 'verified', signedInAt: 1, stamp: ENTRY.stamp, ttlMs: 1, sealedAt: AT
}
export const PAIR: Required<StoredPair> = { known: { kind: 'good', token: 't' }, ttlMs: 1, sealedAt: AT }

export const POSITION: Required<Position> = {
  newest: 1,
  at: 1,
  since: 1,
  seen: new Map([['q', 1]]),
  covered: new Map([['q', 1]]),
  settled: { from: 1, total: 1 },
  isTroubled: true,
  isEverythingDue: true
}

export const BROWSER: Required<AuthgearsBrowser> = { id: 'i', returns: 1, since: 1 }
export const STATE: Required<AuthgearsState> = {
  returnTo: 'r', browser: 'b', mode: 'silent', maxAge: 1, locales: 'l', restarts: 1, issuedAt: 1
}
export const OWN_BROWSER: Required<OwnBrowser> = {
  secret: 's', host: 'h', returns: { count: 1, since: 1 }, signedInAt: 1
}
export const OWN_STATE: Required<OwnState> = {
  returnTo: 'r',
  host: 'h',
  browser: 'b',
  mode: 'silent',
  locales: 'l',
  fullAccess: true,
  isForStepUp: true,
  round: 1,
  isAgain: true,
  issuedAt: 1
}

export const SIGNED_OUT: Required<AuthgearsSignedOut> = {
  signedIn: [{ userId: 'u', digest: 'd', secret: 's' }], returnTo: 'r', issuedAt: 1
}
export const OWN_SIGNED_OUT: Required<OwnSignedOut> = { returnTo: 'r', issuedAt: 1 }

export const REPLICA: Required<Replica> = { name: 'host:4180', state: 'serving', authgear: 'ok' }
export const HELD: Required<Held> = { session: 's', user: 'u', client: 'c', since: 1 }
export const SEEN: Required<ClientSeen> = {
  id: 'c', resources: ['https://api.example.com'], users: 1, first: AT, last: AT, requests: 1, refusals: 1
}

/** Of the access record: an agent's MCP call with an assertion, whose line has every field. */
export const RECORDING: Omit<AccessRecordDeps, 'sink' | 'clock' | 'trustProxy' | 'lost'> = {
  settings: { file: undefined, windowMs: 1, path: { kind: 'full' }, address: true, isRequired: false },
  replica: 'one',
  run: 'r',
  sessionKey: new Uint8Array(32),
  tokenHeader: 'x-token',
  maxBytes: 100_000
}
export const REPORTED: Reported = {
  endpoint: 'resource',
  method: 'POST',
  rawHeaders: ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'tools/call', 'Mcp-Name', 'read'],
  socket: { remoteAddress: '127.0.0.1' },
  proxy: { policies: [], requestId: undefined, endsInput: false },
  query: 'tool=read',
  requestId: 'id',
  startedAt: 0,
  location: () => ({ host: 'mcp.example.com', uri: '/mcp' }),
  headBytes: () => 0,
  trace: () => ({ address: undefined, isNamed: false } as ReturnType<Reported['trace']>),
  client: () => ({ address: '192.0.2.1', isNamed: true }),
  traceIds: () => ({ trace_id: 't', span_id: 's' })
}
export const RESULT: HandlerResult = {
  response: { status: 200 as HandlerResult['response']['status'], headers: ['x-token', 'signed'], body: '' },
  reason: 'allowed',
  source: 'none',
  who: {
    key: KEY as unknown as Admitted['key'],
    credentials: { bearer: 'b' } as Admitted['credentials'],
    userId: 'u' as NonNullable<Admitted['userId']>,
    identity: {} as Admitted['identity'],
    digests: [],
    grant: { clientId: 'c', scopes: ['read'], id: 'i', expiresAt: AT }
  }
}
