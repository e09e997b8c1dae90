import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { KEEP_ALIVE_MS } from '../../src/base/http/limits.ts'
import { overTls, startInProcess } from '../helpers/in-process.ts'
import { flood, startFastResolver, startMeasuredProcess, type MeasuredProcess } from '../helpers/measured-process.ts'
import { untilClosed } from '../helpers/raw-http.ts'
import { ask } from '../helpers/request.ts'
import { demo, startSimulator } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'

/** `npm run bounds` runs the whole of it and prints the figures of docs/inside/reliability.md. */
const FULL = process.env['BOUNDS'] === 'full'
const MB = 1024 * 1024
/** What one batch may add to memory that it should not keep; a leak of 1 kB a request is 5 to 100 times as much. */
const HEAP_SLACK = 6 * MB
const RSS_SLACK = 60 * MB

t.setTimeout(FULL ? 0 : 600_000)

const authorization = `Bearer ${demo.alice.accessToken}`
const GET = `GET /verify HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n\r\n`
const junk = (i: number): string => `J${String(i).padStart(31, '0')}`

async function start (t: Test, env: Readonly<Record<string, string>> = {}): Promise<MeasuredProcess> {
  const resolver = await startFastResolver(t)
  return await startMeasuredProcess(t, {
    AUTHGEAR_ENDPOINT: 'http://127.0.0.1:1',
    AUTHGEAR_RESOLVER_URL: `http://127.0.0.1:${resolver}/resolve`,
    AUTHGEAR_TIMEOUT: '60s',
    ...env
  })
}

t.test('memory is flat over junk credentials, each of which Authgear is asked about', async (t) => {
  const [batch, entries] = FULL ? [100_000, 100_000] : [6000, 1000]
  const service = await start(t, { CACHE_MAX_ENTRIES: String(entries) })
  await batches(t, service, 'junk credentials', batch, FULL ? 6 : 3, '401', (round) => (i) => junk(round * batch + i))
})

t.test('memory is flat over requests', async (t) => {
  const service = await start(t)
  await batches(
    t, service, 'requests of one session', FULL ? 500_000 : 30_000, 3, '200', () => () => 'V'.padEnd(32, '0')
  )
})

/**
 * The first half fills what is bounded (cache, pools, compiled code, and the room that V8 takes for what it will
 * collect), the others must add nothing.
 */
async function batches (
  t: Test,
  service: MeasuredProcess,
  what: string,
  size: number,
  count: number,
  status: string,
  tokens: (round: number) => (i: number) => string
): Promise<void> {
  const after: Array<Awaited<ReturnType<MeasuredProcess['memory']>>> = []
  for (let round = 0; round < count; round++) {
    const started = performance.now()
    const statuses = await flood(service.port, size, tokens(round))
    t.strictSame([...statuses], [[status, size]], `${size} ${what}, each answered once`)
    // since the last scrape, which was before this batch
    const late = await service.metric('nodejs_eventloop_lag_p99_seconds')
    t.ok(late > 0.001, 'how late the event loop is under load is in the metrics')
    const memory = await service.memory()
    after.push(memory)
    t.comment(
      `bounds: ${(round + 1) * size} ${what}: heap ${(memory.heap / MB).toFixed(1)} MB, rss ` +
        `${(memory.rss / MB).toFixed(0)} MB, ${Math.round((size / (performance.now() - started)) * 1000)}/s, ` +
        `${service.descriptors()} descriptors, event loop p99 ${Math.round(late * 1000)} ms`
    )
  }
  const [first, last] = [after[Math.ceil(count / 2) - 1], after.at(-1)]
  if (first === undefined || last === undefined) throw new Error('nothing was measured')
  t.ok(last.heap - first.heap < HEAP_SLACK, `heap: ${(last.heap - first.heap) / MB} MB more`)
  t.ok(last.rss - first.rss < RSS_SLACK, `rss: ${(last.rss - first.rss) / MB} MB more`)
}

t.test('descriptors come back, however a connection ends', async (t) => {
  const service = await start(t)
  await flood(service.port, 1000, junk)
  const before = service.descriptors()
  const ends: ReadonlyArray<(socket: Socket) => unknown> = [
    (socket) => socket.destroy(),
    (socket) => socket.end(),
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.write('GET /ver', () => socket.resetAndDestroy()),
    (socket) => socket.write(GET, () => socket.destroy()),
    (socket) => socket.write(GET.replace('Host', 'Content-Length: 5\r\nHost'), () => socket.destroy()),
    (socket) => socket.write('\0\0\0\0', () => socket.end())
  ]
  for (let round = 0; round < (FULL ? 100 : 20); round++) {
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const socket = connect(service.port, '127.0.0.1').on('error', () => {}).resume()
      await once(socket, 'connect')
      ends[i % ends.length]?.(socket)
      await untilClosed(socket)
    }))
  }
  await until('they are closed', () => service.descriptors() <= before + 2)
  t.comment(`bounds: ${FULL ? 10_000 : 2000} connections: ${before} descriptors before, ${service.descriptors()} after`)
  t.equal((await ask(service.port, { path: '/verify' })).status, 401)
})

t.test('5,000 idle connections are kept, and nobody waits for them', async (t) => {
  const service = await start(t)
  const idle: Socket[] = []
  t.teardown(() => { for (const socket of idle) socket.destroy() })
  let closed = 0
  for (let i = 0; i < 50; i++) {
    const sockets = Array.from({ length: 100 }, () =>
      connect(service.port, '127.0.0.1').on('error', () => {}).once('close', () => closed++)
    )
    await Promise.all(sockets.map(async (socket) => { socket.write(GET); await once(socket, 'data') }))
    idle.push(...sockets)
  }
  t.ok(service.descriptors() >= 5000, `${service.descriptors()} descriptors`)
  const started = performance.now()
  t.strictSame([...await flood(service.port, 2000, () => 'V'.padEnd(32, '0'))], [['200', 2000]])
  t.comment(
    `bounds: 2,000 requests beside 5,000 idle connections: ${Math.round(performance.now() - started)} ms, rss ` +
      `${((await service.memory()).rss / MB).toFixed(0)} MB`
  )
  const again = idle.filter((_, i) => i % 50 === 0)
  await Promise.all(again.map(async (socket) => { socket.write(GET); await once(socket, 'data') }))
  t.equal(closed, 0, 'each of them is still there')
})

t.test('a head that comes byte by byte is not waited for, and an idle connection is', async (t) => {
  const simulator = await startSimulator(t)
  const { port } = await startInProcess(t, {
    AUTHGEAR_ENDPOINT: simulator.url,
    limits: { headersTimeout: 300, requestTimeout: 400, connectionsCheckingInterval: 50 }
  })
  const bystander = connect(port, '127.0.0.1')
  t.teardown(() => bystander.destroy())
  bystander.write(GET)
  await once(bystander, 'data')
  const slow = ['', 'GET /verify HTTP/1.1\r\nHost: x\r\nX: ', GET.slice(0, -2), GET + GET.slice(0, -2)]
  const ended = await Promise.all(slow.map((head) => drip(port, head)))
  t.match(ended[1], /^HTTP\/1\.1 408 /)
  t.match(ended[2], /^HTTP\/1\.1 408 /)
  t.same(
    ended[3]?.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 408'], 'also behind a request that was answered'
  )
  bystander.write(GET)
  const [answer] = await once(bystander, 'data') as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 200 /, 'one that was idle all the time is served')
})

/** Sends a head and then a byte now and then. @returns what came until the server closed */
async function drip (port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  let text = ''
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1') })
  if (head !== '') socket.write(head)
  const timer = setInterval(() => { if (head !== '') socket.write('x') }, 20)
  await untilClosed(socket)
  clearInterval(timer)
  return text
}

t.test('it is the proxy that closes an idle connection', async (t) => {
  const simulator = await startSimulator(t)
  for (const tls of [undefined, makeTls(t)]) {
    const { service } = await startInProcess(t, { AUTHGEAR_ENDPOINT: simulator.url, ...tls && { ...overTls(tls) } })
    const { keepAliveTimeout, headersTimeout, requestTimeout, connectionsCheckingInterval, maxHeadersCount, timeout } =
      service.app.fastify.server as unknown as Record<string, number>
    t.equal(keepAliveTimeout, 0, 'one timer ends those that are idle (idle.test.ts)')
    t.ok(KEEP_ALIVE_MS > 120_000, 'longer than nginx (60 s), Traefik (90 s) and Caddy (120 s)')
    t.match({ headersTimeout, requestTimeout, connectionsCheckingInterval, maxHeadersCount },
      { headersTimeout: 20_000, requestTimeout: 30_000, connectionsCheckingInterval: 5000, maxHeadersCount: 4000 })
    t.ok(tls !== undefined || timeout === 0, 'and nothing else cuts it')
  }
})
