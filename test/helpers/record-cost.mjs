// What the access record keeps and writes, by the compiled service without its sockets: people who each ask several
// times within one window, at one app, with one session.
// Usage: node --expose-gc test/helpers/record-cost.mjs PEOPLE REQUESTS BYTES [long|parts]; prints JSON
// BYTES: what counted lines may take; `long`: much of everything that a client chooses; `parts`: short parts of long
// texts, which V8 keeps whole as long as a part is kept
import { createAccessRecord } from '../../src/parts/access-record/record.ts'
import { systemClock as clock } from '../../src/base/clock.ts'

const [people, requests, maxBytes] = process.argv.slice(2, 5).map(Number)
const kind = process.argv[5] ?? 'usual'

let written = 0
let lines = 0
const record = createAccessRecord({
  settings: { file: undefined, windowMs: 3_600_000, path: { kind: 'full' }, address: false, isRequired: false },
  sink: {
    write (line) { written += line.length + 1; lines++; return true },
    isWritable: () => true,
    look () {},
    reopen () {},
    close: async () => {}
  },
  replica: 'forward-auth-7d9c5b8f6-x2k4q',
  run: '0a1b2c3d',
  sessionKey: new Uint8Array(32),
  trustProxy: () => true,
  clock,
  maxBytes,
  counted () {}
})

/** A string of its own, as Node's parser makes each of a request. */
const fresh = (text) => Buffer.from(text).toString('latin1')
const number = (index) => String(index).padStart(12, '0')
/** As the cache has them: not the record's own. */
const sessions = Array.from({ length: people }, (_, index) => ({
  key: fresh(`key${number(index)}`.padEnd(43, 'x')), userId: fresh(`a11ce000-0000-4000-8000-${number(index)}`)
}))

const url = (index) => fresh(`/ext-authz/role=admin-${number(index)}/${'p'.repeat(20_000)}`)
const textsOf = {
  usual: (index) => ['app.example.com', `/projects/${index}/issues`, ''],
  long: (index) => [`${index}.${'h'.repeat(4000)}`, `/${index}${'é'.repeat(8000)}`, `role=${index}${'r'.repeat(4000)}`],
  parts: (index) => ['app.example.com', `/projects/${index}/issues?${'q'.repeat(20_000)}`, url(index).slice(11, 34)]
}

function reported (index) {
  const [host, path, policy] = textsOf[kind](index)
  return {
    endpoint: 'verify',
    method: fresh('GET'),
    rawHeaders: ['X-Forwarded-Host', fresh(host), 'X-Forwarded-Uri', fresh(path), 'X-Forwarded-Method', fresh('GET')],
    socket: { remoteAddress: '127.0.0.1' },
    proxy: { policies: [], requestId: undefined, endsInput: false },
    query: policy,
    requestId: fresh(`a1b2c3d4e5f6-${index.toString(36)}`),
    client: () => ({ address: '192.0.2.1', isNamed: true }),
    traceIds: () => undefined
  }
}

const RESPONSE = { status: 200, headers: [], body: '' }
function ask (index) {
  const { key, userId } = sessions[index]
  const credentials = { session: `${userId}.${key}` }
  const who = { key, credentials, userId, identity: [], grant: undefined }
  record.report(reported(index), { response: RESPONSE, reason: 'allowed', source: 'memory', who })
}

globalThis.gc()
const before = process.memoryUsage().heapUsed
for (let round = 0; round < requests; round++) for (let index = 0; index < people; index++) ask(index)
globalThis.gc()
const heap = process.memoryUsage().heapUsed - before
const early = lines - people
record.flush()
console.log(JSON.stringify({ people, requests, heap, bytes: written, lines, early }))
