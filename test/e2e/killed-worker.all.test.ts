import t from 'tap'
import { skipOrFail } from '../helpers/servers.ts'
import { allServe, killWorker, metric, workersOf } from '../helpers/workers.ts'
import { amid, CLIENTS } from './amid.ts'
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
      const reached = stack.app.received.length
      const answers = await amid(stack, async () => {
        for (const victim of victims) await killWorker(service, victim)
      })
      const failed = answers.filter(({ status }) => status !== 200)
      t.comment(`${failed.length} of ${answers.length} failed`)
      // one of each client's on its way, at each of two kills, and one more before the proxy has noticed
      t.ok(failed.length <= 4 * CLIENTS, `${failed.length} of ${answers.length} failed`)
      t.ok(failed.every(({ status }) => status >= 500), 'as an outage, not as a log-out')
      t.equal(stack.app.received.length - reached, answers.length - failed.length, 'and did not reach the app')
      t.equal(await metric(service, 'forward_auth_workers_replaced_total'), 2)
    })
  })
}
