// What a hit allocates and a remembered session keeps, in bytes, by the compiled service without its sockets. Times are
// noisy, bytes are not.
// Usage: node --expose-gc --no-concurrent-recompilation --min-semi-space-size=64 --max-semi-space-size=64 THIS_FILE
// It prints JSON.
import { createAuthenticator } from '../../src/base/authenticate/authenticator.ts'
import { NO_SHARED_CACHE } from '../../src/base/cache/coalescing.ts'
import { NO_FAILED_CREDENTIALS } from '../../src/base/authgear/resolver/failed-credentials.ts'
import { createMemoryCache } from '../../src/base/cache/memory.ts'
import { systemClock as clock } from '../../src/base/clock.ts'
import { createKeyer } from '../../src/base/core/cache-key.ts'
import { cookieNames } from '../../src/base/core/credentials.ts'
import { NO_RULES } from '../../src/base/core/policy.ts'
import { IDENTITY_HEADERS, readResolution } from '../../src/base/core/resolution.ts'
import { NO_LINKS, PLAIN_TEXT } from '../../src/base/http/pages.ts'
import { createPresenter } from '../../src/base/identity/presenter.ts'
import { NO_HEADERS } from '../../src/base/identity/sets.ts'
import { createMemoryLog } from '../../src/base/revocation/memory-log.ts'
import { createVerify } from '../../src/base/verify/verify.ts'

const BLOCKS = 10
const HITS = 10_000
const SESSIONS = 20_000
const COOKIES = Array.from({ length: 10 }, (_, index) => `cookie${index}=${'v'.repeat(20)}`).join('; ')
/** `refused`: by a policy that nobody understands. */
const QUERIES = { bearer: '', cookie: '', policy: 'role=editor&verified=true', refused: 'rule=editor' }

/** As undici hands it over: each value a string of its own. */
const replyOf = (user) =>
  [
    'x-authgear-session-valid',
    'true',
    'x-authgear-user-id',
    user,
    'x-authgear-user-anonymous',
    'false',
    'x-authgear-user-verified',
    'true',
    'x-authgear-user-roles',
    'editor,author',
    'x-authgear-session-amr',
    'pwd',
    'x-authgear-session-authenticated-at',
    '1795572256',
    'x-authgear-user-can-reauthenticate',
    'true'
  ].map((text) => Buffer.from(text).toString('latin1'))
if (IDENTITY_HEADERS.some((name) => !replyOf('').includes(name))) throw new Error('give each header a value')

const requests = {
  bearer: (index) => [
    'Host',
    'app.example.com',
    'X-Request-Id',
    'r1',
    'Authorization',
    `Bearer demoAccessTokenOf${String(index).padStart(12, '0')}`
  ],
  cookie: (index) => [
    'Host',
    'app.example.com',
    'X-Request-Id',
    'r1',
    'Cookie',
    `${COOKIES}; session=a11ce000-0000-4000-8000-${String(index).padStart(12, '0')}.demoSessionCookieOfAlice00000000`
  ]
}
requests.policy = requests.refused = requests.bearer

function answererOf (memory) {
  const keyer = createKeyer(Buffer.alloc(32, 1), { endpoint: 'https://accounts.example.com', cookiePrefix: '' })
  const log = createMemoryLog({ clock, retentionMs: 1_000_000, observer: {} })
  let users = 0
  const resolver = {
    resolve: async () => ({
      isConclusive: true,
      resolution: readResolution(replyOf(`a11ce000-0000-4000-8000-${String(users++).padStart(12, '0')}`)).resolution
    })
  }
  const observer = { memoryRead () {}, coalesced () {}, noVerdict () {}, unexpectedError (error) { throw error } }
  const authenticator = createAuthenticator({
    memory,
    sharedCache: NO_SHARED_CACHE,
    resolver,
    clock,
    sentDigests: keyer.sentDigests,
    audience: 'https://accounts.example.com',
    failedCredentials: NO_FAILED_CREDENTIALS,
    lifetimes: { ttlMs: 600_000, negativeTtlMs: 5000 },
    refreshAhead: 0.8,
    waitingBytes: 2 ** 20,
    timeoutMs: 2000,
    degradedTtlMs: 5000,
    log,
    observer
  })
  return createVerify({
    authenticator,
    keyer,
    cookieNames: cookieNames(''),
    absentHeaders: 'empty',
    rules: NO_RULES,
    links: NO_LINKS,
    pages: PLAIN_TEXT,
    presenter: createPresenter({
      settings: { headers: NO_HEADERS, user: 'user_id', encoding: 'percent' },
      profiles: undefined,
      clock,
      maxBytes: 2 ** 20
    }),
    realm: 'https://accounts.example.com',
    clock,
    confirmAfterMs: 5000,
    allowPreflight: false
  })
}

function questionOf (kind, index) {
  return {
    method: 'GET',
    rawHeaders: requests[kind](index),
    proxy: { policies: [], requestId: 'r1', endsInput: false },
    query: QUERIES[kind],
    requestId: 'r1',
    headBytes: () => 0,
    trace: () => ({})
  }
}

/**
 * @returns bytes allocated a hit, in the block with the fewest: V8 optimises while the first ones run. No collection
 * takes place within a block
 */
async function bytesAHit (kind) {
  const answerer = answererOf(createMemoryCache({ maxEntries: 10, maxBytes: 2 ** 30, clock }))
  const question = questionOf(kind, 0)
  await answerer(question)
  const blocks = []
  for (let block = -1; block < BLOCKS; block++) {
    globalThis.gc()
    const before = process.memoryUsage().heapUsed
    for (let hit = 0; hit < HITS; hit++) if (answerer(question).source !== 'memory') throw new Error('not a hit')
    if (block >= 0) blocks.push(process.memoryUsage().heapUsed - before) // the first one warms
  }
  return Math.round(Math.min(...blocks) / HITS)
}

/** @returns bytes that a session which was used keeps */
async function bytesASession (kind) {
  const memory = createMemoryCache({ maxEntries: SESSIONS, maxBytes: 2 ** 30, clock })
  const answerer = answererOf(memory)
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < SESSIONS; index++) await answerer(questionOf(kind, index))
  globalThis.gc()
  const kept = process.memoryUsage().heapUsed - before
  if (memory.size() !== SESSIONS) throw new Error('not all are remembered')
  return Math.round(kept / SESSIONS)
}

console.log(JSON.stringify({
  hit: {
    bearer: await bytesAHit('bearer'),
    cookie: await bytesAHit('cookie'),
    policy: await bytesAHit('policy'),
    refused: await bytesAHit('refused')
  },
  session: { bearer: await bytesASession('bearer'), cookie: await bytesASession('cookie') }
}))
