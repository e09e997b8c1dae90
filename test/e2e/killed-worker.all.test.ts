import t from 'tap'
import { skipOrFail } from '../helpers/servers.ts'
import { allServe, killWorker, metric, workersOf } from '../helpers/workers.ts'
import { crashAmid } from './amid.ts'
import { startBehindProxy } from './behind-proxy.ts'
import { envoyGrpc, traefik } from './proxies.ts'

for (const proxy of [traefik, envoyGrpc]) {
  const how = proxy.grpc === true ? 'gRPC' : 'HTTP/2'
  t.test(`workers behind ${proxy.server} by ${how}`, { skip: skipOrFail(proxy.server, 'redis-server') }, async (t) => {
    const stack = await startBehindProxy(t, proxy, () => {}, { replicas: 1, env: { WORKERS: '2' } })
    const [service] = stack.replicas
    if (service === undefined) return t.fail('there is no replica')
    await allServe(service)
    const victims = workersOf(service)
    t.equal(victims.length, 2)

    await t.test('killed amid traffic: few requests fail, and nobody is logged out', async (t) => {
      // one of each client's on its way, at each of two kills, and one more before the proxy has noticed
      await crashAmid(t, stack, 4, async () => {
        for (const victim of victims) await killWorker(service, victim)
      })
      t.equal(await metric(service, 'forward_auth_workers_replaced_total'), 2)
    })
  })
}
