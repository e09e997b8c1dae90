import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { credentials, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { type Attributes, type CheckAnswer, grpcClient, type GrpcClient } from '../helpers/grpc.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { demo } from '../helpers/simulator.ts'
import { makeTls } from '../helpers/tls.ts'
import { until } from '../helpers/until.ts'
import { killWorker, placesOf, startWorkers, untilBothAnswer, type Workers, workersOf } from '../helpers/workers.ts'

const skip = skipOrFail('redis-server')
/** So many connections that each of two workers gets some. */
const CONNECTIONS = 20

/** As Envoy asks about a request with that token, or without any. */
const check = (token?: string, id = 'a request'): Attributes => ({
  source: { address: { socket_address: { address: '192.0.2.1', port_value: 1 } } },
  request: {
    http: {
      id,
      method: 'GET',
      path: '/',
      host: 'app.example.com',
      headers: { 'x-request-id': id, ...token !== undefined && { authorization: `Bearer ${token}` } }
    }
  }
})

const statusOf = ({ denied_response: denied }: CheckAnswer): number => denied?.status.code ?? 200

/** Clients of both workers, by the worker's place; each has one connection. */
async function clientOfEach (t: Test, { service }: Workers): Promise<ReadonlyMap<number, GrpcClient>> {
  const found = new Map<number, GrpcClient>()
  await until('each worker has a client', async () => {
    const [client, id] = [grpcClient(t, service.grpcPort), `of-${Math.random()}`]
    t.equal(statusOf(await client.check(check(undefined, id))), 401)
    await until('its worker says so', () => placesOf(service, id).size === 1)
    for (const place of placesOf(service, id)) found.set(place, client)
    return found.size === 2
  })
  return found
}

t.test('workers answer gRPC, and ask Authgear once', { skip }, async (t) => {
  const { service, simulator } = await startWorkers(t, {}, { grpc: true })
  await untilBothAnswer(service, async () => {
    const client = grpcClient(t, service.grpcPort)
    t.equal(await client.health(), 1)
    t.equal(statusOf(await client.check(check())), 401)
    t.equal(statusOf(await client.check(check(demo.alice.accessToken))), 200)
  })
  t.equal(simulator.counters.resolutions, 1)
})

t.test('a killed worker is an error to its own clients and to nobody else', { skip }, async (t) => {
  const workers = await startWorkers(t, {}, { grpc: true })
  const { service, simulator } = workers
  const clients = await clientOfEach(t, workers)
  const gate = simulator.controls.hold()
  const asking = (place: number, token: string): Promise<number | undefined> | undefined =>
    clients.get(place)?.check(check(token)).then(statusOf, ({ code }: { code: number }) => -code)
  const [lost, kept] = [asking(1, demo.alice.accessToken), asking(2, demo.bob.accessToken)]
  await gate.arrived(2)
  await killWorker(service, workersOf(service)[0] ?? 0)
  t.equal(await lost, -status.UNAVAILABLE)
  gate.release()
  t.equal(await kept, 200)
  t.equal(await asking(1, demo.alice.accessToken), 200, 'on its next connection')
})

t.test('a SIGTERM is not serving to each worker’s clients, and what waits is answered', { skip }, async (t) => {
  const workers = await startWorkers(t, { SHUTDOWN_DELAY: '5s' }, { grpc: true })
  const { service, simulator } = workers
  const clients = [...(await clientOfEach(t, workers)).values()]
  const gate = simulator.controls.hold()
  const tokens = [demo.alice.accessToken, demo.bob.accessToken]
  const waiting = clients.map((client, i) => client.check(check(tokens[i])))
  await gate.arrived(2)
  const stopped = service.stop()
  await until('both say so', async () =>
    (await Promise.all(clients.map((client) => client.health()))).every((health) => health === 2))
  t.strictSame(await Promise.all(clients.map(async (client) => statusOf(await client.check(check())))), [401, 401])
  gate.release()
  t.strictSame((await Promise.all(waiting)).map(statusOf), [200, 200])
  await stopped
  t.equal(await service.ended, 0)
})

t.test('workers all serve gRPC by a certificate that is read again', { skip }, async (t) => {
  const [tls, renewed] = [makeTls(t), makeTls(t)]
  const env = { LISTEN_TLS_CERT_FILE: tls.certFile, LISTEN_TLS_KEY_FILE: tls.keyFile }
  const { service } = await startWorkers(t, env, { grpc: true })
  copyFileSync(renewed.keyFile, tls.keyFile)
  copyFileSync(renewed.certFile, tls.certFile)
  await until('both have read it', () => placesOf(service, '"certificate read again"').size === 2)
  const fingerprint = async (): Promise<string | undefined> => {
    const socket = connect({
      port: service.grpcPort, host: 'localhost', rejectUnauthorized: false, ALPNProtocols: ['h2']
    })
    await once(socket, 'secureConnect')
    const found = socket.getPeerX509Certificate()?.fingerprint256
    socket.destroy()
    return found
  }
  const seen = new Set(await Promise.all(Array.from({ length: CONNECTIONS }, fingerprint)))
  t.strictSame(seen, new Set([new X509Certificate(readFileSync(renewed.certFile)).fingerprint256]))
  const client = grpcClient(t, service.grpcPort, credentials.createSsl(Buffer.from(renewed.ca)))
  t.equal(statusOf(await client.check(check(demo.alice.accessToken))), 200)
})
