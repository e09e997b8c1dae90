import { createHmac } from 'node:crypto'
import t from 'tap'
import { createAccessRecord } from '../../../../src/parts/access-record/record.ts'
import type { AccessRecordSettings } from '../../../../src/parts/access-record/record.ts'
import type { Reported } from '../../../../src/base/http/access-log.ts'
import type { HandlerResult } from '../../../../src/base/http/types.ts'
import type { RecordLine } from '../helpers.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const SETTINGS: AccessRecordSettings = {
  file: undefined, windowMs: 60_000, path: { kind: 'full' }, address: false, isRequired: false
}

function start ({ settings = {} }: { settings?: Partial<AccessRecordSettings> } = {}) {
  const clock = manualClock(0)
  const lines: RecordLine[] = []
  const counts = { lost: 0 }
  const room = { left: Infinity, isWritable: true }
  const closed: number[] = []
  const record = createAccessRecord({
    settings: { ...SETTINGS, ...settings },
    sink: {
      write: (line) => room.left-- > 0 && lines.push(JSON.parse(line) as RecordLine) > 0,
      isWritable: () => room.isWritable,
      look () {},
      reopen () {},
      close: async (ms) => { closed.push(ms) }
    },
    replica: 'one',
    run: 'r1',
    sessionKey: new Uint8Array(32),
    trustProxy: (address) => address === '127.0.0.1',
    tokenHeader: 'x-token',
    clock,
    maxBytes: 1_000_000,
    lost: () => { counts.lost++ }
  })
  const report = (path: string, more: Partial<Reported> = {}, result: Partial<HandlerResult> = {}): void =>
    record.report(reportedAt(path, more), resultOf(result))
  return { clock, lines, counts, room, closed, record, report }
}

const reportedAt = (path: string, more: Partial<Reported>): Reported => ({
  endpoint: 'verify',
  method: 'GET',
  rawHeaders: ['X-Forwarded-Host', `${path.length}.example`, 'X-Forwarded-Uri', path, 'X-Forwarded-Method', 'POST'],
  socket: { remoteAddress: '127.0.0.1' },
  proxy: { policies: [], requestId: undefined, endsInput: false },
  query: '',
  requestId: 'id',
  startedAt: 0,
  headBytes: () => 0,
  trace: () => ({ address: undefined, isNamed: false } as ReturnType<Reported['trace']>),
  client: () => ({ address: '192.0.2.1', isNamed: true }),
  traceIds: () => ({ trace_id: 'trace', span_id: 'span' }),
  ...more
})

const resultOf = (more: Partial<HandlerResult>): HandlerResult => ({
  response: { status: 401, headers: [], body: '' },
  reason: 'no_credentials',
  source: 'none',
  who: undefined,
  ...more
})

t.test('a line that was lost has its number, and the next one says how many are missing', async (t) => {
  const { lines, counts, room, report } = start({ settings: { windowMs: 0 } })
  report('/1')
  room.left = 0
  for (const path of ['/2', '/3', '/4']) report(path)
  room.left = Infinity
  report('/5')
  report('/6')
  t.strictSame(lines.map(({ seq, path, missing }) => [seq, path, missing]), [
    [1, '/1', undefined], [5, '/5', 3], [6, '/6', undefined]
  ])
  t.equal(counts.lost, 3)
})

t.test('what is counted is written at the signal, and once', async (t) => {
  const { lines, closed, record, report } = start()
  for (let n = 0; n < 3; n++) report('/')
  t.strictSame(lines.map(({ count }) => count), [1])
  record.flush()
  t.strictSame(lines.map(({ count }) => count), [1, 2])
  report('/')
  await record.close()
  t.strictSame(lines.map(({ count }) => count), [1, 2, 1])
  t.equal(closed.length, 1)
})

const ALICE = {
  response: { status: 200, headers: [], body: '' },
  reason: 'allowed',
  who: { key: 'k', credentials: { session: 's' }, userId: 'alice', identity: [], grant: undefined }
} as unknown as Partial<HandlerResult>
const atApp = (path: string): Partial<Reported> => ({
  rawHeaders: ['X-Forwarded-Host', 'app.example', 'X-Forwarded-Uri', path]
})

t.test('names each path that a person opens within one window', async (t) => {
  const { lines, record, report } = start()
  for (const path of ['/', '/admin/export?all', '/', '/admin/export']) report(path, atApp(path), ALICE)
  record.flush()
  t.strictSame(lines.map(({ path, count }) => [path, count]), [
    ['/', 1], ['/admin/export', 1], ['/', 1], ['/admin/export', 1]
  ])
})

const calling = (method: string, name?: string, more: readonly string[] = []): Partial<Reported> => ({
  endpoint: 'resource',
  method: 'POST',
  rawHeaders: [
    'X-Forwarded-Uri', '/mcp', 'mcp-protocol-version', '2026-07-28', 'Mcp-Method', method,
    ...name === undefined ? [] : ['Mcp-Name', name], ...more
  ]
})

t.test('names the MCP method and the tool that the headers name, a line for each tool', async (t) => {
  const { lines, record, report } = start()
  const asked: ReadonlyArray<readonly [string, string?]> = [
    ['tools/list'], ['tools/call', 'search'], ['tools/call', '=?base64?cmVhZA==?='], ['tools/call', 'search'],
    ['resources/read', 'file:///a']
  ]
  for (const [method, name] of asked) report('/mcp', calling(method, name), ALICE)
  record.flush()
  t.strictSame(lines.map(({ mcp_method: method, tool, count }) => [method, tool, count]), [
    ['tools/list', undefined, 1], ['tools/call', 'search', 1], ['tools/call', 'read', 1],
    ['resources/read', 'file:///a', 1], ['tools/call', 'search', 1]
  ])
})

t.test('a call that its headers do not name for certain has no tool', async (t) => {
  const { lines, report } = start({ settings: { windowMs: 0 } })
  report('/mcp', calling('tools/call', 'search', ['Mcp-Name', 'delete']), ALICE)
  report('/mcp', calling('tools/call', 'search', ['Mcp-Session-Id', '1']), ALICE)
  report('/mcp', { ...calling('tools/call', 'search'), endpoint: 'identify' }, ALICE)
  for (const line of lines) t.notOk('tool' in line || 'mcp_method' in line)
  t.equal(lines.length, 3)
})

t.test('a counted line of a stranger names no tool', async (t) => {
  const { lines, record, report } = start()
  for (const name of ['a', 'b']) report('/mcp', calling('tools/call', name))
  record.flush()
  t.strictSame(lines.map(({ tool, count }) => [tool, count]), [['a', 1], [undefined, 1]])
})

t.test('paths that are shortened alike count as one', async (t) => {
  const { lines, record, report } = start({ settings: { path: { kind: 'segments', count: 1 } } })
  for (const path of ['/admin/a', '/admin/b', '/admin/c']) report(path, atApp(path), ALICE)
  record.flush()
  t.strictSame(lines.map(({ path, count }) => [path, count]), [['/admin/…', 1], ['/admin/…', 2]])
})

t.test('what a session opens beyond 64 different paths is counted without a path', async (t) => {
  const { lines, record, report } = start()
  for (let n = 0; n < 70; n++) report(`/${n}`, atApp(`/${n}`), ALICE)
  t.equal(lines.length, 65)
  record.flush()
  t.match(lines.slice(64).map(({ path, count, host, method }) => ({ path, count, host, method })), [
    { path: '/64', count: 1, host: 'app.example' },
    { path: undefined, count: 5, host: undefined, method: undefined }
  ])
})

t.test('a counted line of strangers names no path: each may have asked for another', async (t) => {
  const { lines, record, report } = start()
  for (const path of ['/a', '/b', '/c']) report(path, atApp(path))
  record.flush()
  t.strictSame(lines.map(({ path, count, host }) => [path, count, host]), [
    ['/a', 1, 'app.example'], [undefined, 2, 'app.example']
  ])
})

t.test('only where it is required does a record that cannot be written refuse', async (t) => {
  for (const isRequired of [false, true]) {
    const { record, room } = start({ settings: { isRequired } })
    t.equal(record.vetoes(), undefined)
    room.isWritable = false
    t.equal(record.vetoes(), isRequired ? 'record_unavailable' : undefined)
  }
})

t.test('the address is written only where it is asked for', async (t) => {
  for (const [address, written] of [[false, undefined], [true, '192.0.2.1']] as const) {
    const { lines, report } = start({ settings: { address } })
    report('/')
    t.match(lines, [{ address: written, trace: 'trace', request: 'id', replica: 'one', run: 'r1' }])
  }
})

t.test('the proxy\'s rule is the policy; of a login nothing of the query is', async (t) => {
  const { lines, report } = start({ settings: { windowMs: 0 } })
  const proxy = { policies: ['verified=true', 'max_age=60'], requestId: undefined, endsInput: false }
  report('/', { query: 'role=admin', proxy })
  report('/', { proxy })
  report('/', { endpoint: 'login', query: 'code=secret' })
  report('/', { endpoint: 'identify', query: 'token=secret' })
  report('/', { endpoint: 'ext-authz', query: 'role=admin' })
  t.strictSame(lines.map(({ policy }) => policy), [
    'role=admin & verified=true & max_age=60', 'verified=true & max_age=60', undefined, undefined, 'role=admin'
  ])
})

t.test('host, path and method are as a trusted proxy says them, or Envoy itself', async (t) => {
  const { lines, report } = start({ settings: { windowMs: 0 } })
  report('/a?x=1')
  report('/a', { socket: { remoteAddress: '192.0.2.9' } })
  report('/a', { location: () => ({ host: 'envoy.example', uri: '/b#x' }) })
  t.strictSame(lines.map(({ host, path, method }) => [host, path, method]), [
    ['6.example', '/a', 'POST'], [undefined, undefined, 'GET'], ['envoy.example', '/b', 'GET']
  ])
})

t.test('documents for everybody and paths that are none of ours have no line', async (t) => {
  const { lines, report } = start()
  for (const endpoint of ['metadata', 'jwks', 'other'] as const) report('/', { endpoint })
  t.strictSame(lines, [])
})

t.test('records whose session a revocation ends, if it names one', async (t) => {
  const { lines, record } = start()
  const base = { quietMs: 0 }
  record.revoked({ ...base, origin: 'audit', target: { kind: 'user', userId: 'alice' } })
  record.revoked({ ...base, origin: 'webhook', target: { kind: 'client', clientId: 'agent' } })
  record.revoked({ ...base, origin: 'logout', target: { kind: 'credential', digest: 'secret' as never } })
  record.revoked({ ...base, origin: 'management', target: { kind: 'token', id: 'secret' } })
  record.revoked({ ...base, origin: 'management', target: { kind: 'everything' } })
  t.strictSame(lines.map(({ event, origin, target, user, client }) => [event, origin, target, user ?? client]), [
    ['revocation', 'audit', 'user', 'alice'],
    ['revocation', 'webhook', 'client', 'agent'],
    ['revocation', 'logout', 'credential', undefined],
    ['revocation', 'management', 'token', undefined],
    ['revocation', 'management', 'everything', undefined]
  ])
  t.notMatch(JSON.stringify(lines), 'secret')
})

t.test('a session keeps its name over versions', async (t) => {
  const { lines, report } = start()
  const credentials = { session: 's', bearer: undefined, appSession: 'a', appAccessToken: undefined, own: 'host value' }
  report('/', {}, { ...ALICE, who: { ...ALICE.who, credentials } as never })
  const text = '[["appAccessToken",null],["appSession","a"],["bearer",null],["own","host value"],["session","s"]]'
  t.equal(lines[0]?.['session'], createHmac('sha256', new Uint8Array(32)).update(text).digest('base64url').slice(0, 22))
})

t.test('a line says when the first and the last of its decisions were', async (t) => {
  const { lines, clock, record, report } = start()
  report('/')
  for (let n = 0; n < 2; n++) { clock.advance(1000); report('/') }
  record.flush()
  t.strictSame(lines.map(({ at, first, last }) => [at, first, last].map((time) => Date.parse(String(time)))), [
    [0, 0, 0], [1000, 1000, 2000]
  ])
})
