import t from 'tap'
import { ask } from '../helpers/request.ts'
import type { Service } from '../helpers/process.ts'
import { skipOrFail } from '../helpers/servers.ts'
import { until } from '../helpers/until.ts'
import { amid, crashAmid } from './amid.ts'
import { caddy, traefik } from './proxies.ts'
import { startBehindProxy, type BehindProxy } from './behind-proxy.ts'

for (const proxy of [traefik, caddy]) {
  t.test(`three replicas behind ${proxy.server}`, { skip: skipOrFail(proxy.server, 'redis-server') }, async (t) => {
    // it still takes connections while this process, which is busy, learns that it is going, and leaves it out
    const stack = await startBehindProxy(t, proxy, () => {}, { replicas: 3, env: { SHUTDOWN_DELAY: '3s' } })
    let replicas = [...stack.replicas]

    await t.test('all are replaced, one after the other, amid traffic: not one request fails', async (t) => {
      const answers = await amid(stack, async () => {
        for (const old of stack.replicas) {
          const fresh = await stack.startReplica()
          stack.links.forEach((link) => link.add(fresh.port))
          await retire(stack, old)
          replicas = [...replicas.filter((one) => one !== old), fresh]
        }
      })
      t.strictSame([...new Set(answers.map(({ status }) => status))], [200], `${answers.length} requests`)
      t.strictSame(await Promise.all(stack.replicas.map(({ ended }) => ended)), [0, 0, 0])
      t.ok(stack.authgear.counters.resolutions <= 2 * 4,
        'and each new one asked Authgear at most until it had read the log')
    })

    await t.test('a killed replica fails only the requests on it, and logs nobody out', async (t) => {
      // one of each client's on its way, and one more before the proxy has noticed
      await crashAmid(t, stack, 2, async () => await replicas[0]?.kill())
    })
  })
}

/** As a balancer does: SIGTERM, `/readyz` says 503, no new connections, and it ends. */
async function retire ({ links }: BehindProxy, old: Service): Promise<void> {
  const ending = old.stop()
  const { port } = new URL(old.managementUrl)
  await until('it says that it is going',
    async () => (await ask(Number(port), { path: '/readyz', host: '127.0.0.1' })).status === 503)
  links.forEach((link) => link.drop(old.port))
  await ending
}
