import t, { type Test } from 'tap'
import { encodeCheck, grpcClient, type HttpAttributes } from '../helpers/grpc.ts'
import { freePort } from '../helpers/free-port.ts'
import { startProcess, type Service } from '../helpers/process.ts'
import { ask } from '../helpers/request.ts'
import { until } from '../helpers/until.ts'

type Line = Readonly<{ reason?: string, leftOut?: number }>
type Ask = () => Promise<unknown>

const HTTP: HttpAttributes = { method: 'GET', path: '/', host: 'app.example.com', headers: {} }
const TOO_LONG = encodeCheck({ request: { http: { ...HTTP, headers: { 'x-long': 'x'.repeat(64 * 1024) } } } })
const ELSEWHERE = encodeCheck({ request: { http: HTTP }, context_extensions: { endpoint: 'webhook' } })

/** What anybody can have answered as often as they like: a client by its header lines, a probe that found the port. */
const ROWS: ReadonlyArray<readonly [what: string, reason: string, start: (t: Test, service: Service) => Ask]> = [
  ['bytes that are no check, over gRPC', 'unreadable', overGrpc(Buffer.from([0x0a]))],
  ['header lines over 64 KiB, over gRPC', 'unreadable', overGrpc(TOO_LONG)],
  ['an endpoint that is none, over gRPC', 'not_found', overGrpc(ELSEWHERE)],
  ['a path that is none, over HTTP', 'not_found', (_, { port }) => () => ask(port, { path: '/elsewhere' })]
]

function overGrpc (bytes: Buffer): (t: Test, service: Service) => Ask {
  return (t, { grpcPort }) => {
    const client = grpcClient(t, grpcPort)
    return () => client.send(bytes)
  }
}

for (const [what, reason, start] of ROWS) {
  t.test(`${what}: ten lines a second, and how many were left out`, async (t) => {
    const env = { AUTHGEAR_ENDPOINT: `http://127.0.0.1:${await freePort()}` }
    const service = await startProcess(t, env, { grpc: true })
    const lines = (): readonly Line[] =>
      service.logs().split('\n').filter((line) => line.includes(`"reason":"${reason}"`)).map((line) => JSON.parse(line))
    const once = start(t, service)
    const began = performance.now()
    let sent = 0
    await until('some are left out, and a later line says so', async () => {
      await Promise.all(Array.from({ length: 50 }, once))
      sent += 50
      return lines().some(({ leftOut }) => leftOut !== undefined)
    })
    const seconds = Math.ceil((performance.now() - began) / 1000) + 1
    const metrics = await (await fetch(`${service.managementUrl}/metrics`)).text()
    await service.stop()
    t.ok(lines().length <= 10 * seconds, `${lines().length} lines of ${sent} in ${seconds} s`)
    t.ok(lines().reduce((sum, { leftOut = 0 }) => sum + 1 + leftOut, 0) <= sent, 'no more than there were')
    const counted = new RegExp(`reason="${reason}",source="none"\\} (\\d+)`).exec(metrics)?.[1]
    t.equal(Number(counted), sent, 'each is counted')
  })
}
