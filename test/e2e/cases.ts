import t from 'tap'
import { skipOrFail } from '../helpers/servers.ts'
import { createObserver } from './behaviour.ts'
import type { Case } from './cases/case.ts'
import { identity } from './cases/identity.ts'
import { load } from './cases/load.ts'
import { methods } from './cases/methods.ts'
import { outage } from './cases/outage.ts'
import { paths } from './cases/paths.ts'
import { policies } from './cases/policies.ts'
import { spoof } from './cases/spoof.ts'
import { websocket } from './cases/websocket.ts'
import type { Proxy } from './proxy.ts'
import { startBehindProxy } from './behind-proxy.ts'

/** In this order: the outages come last, and the last of them ends the replicas. */
const CASES: readonly Case[] = [
  ...identity,
  ...spoof,
  ...methods,
  ...websocket,
  ...paths,
  ...policies,
  ...load,
  ...outage
]

/**
 * Every proxy that we ship a configuration for keeps the same promises.
 * @param env of each replica, beside what every one has
 */
export function testProxy (proxy: Proxy, env: Readonly<Record<string, string>> = {}): void {
  const variables = Object.entries(env).map(([name, value]) => `, ${name}=${value}`).join('')
  t.test(
    `${proxy.server} on what "snippet ${proxy.snippet}" writes${variables}`,
    { skip: skipOrFail(proxy.server, 'redis-server') },
    async (t) => {
      const stack = await startBehindProxy(t, proxy, createObserver(t, 'cases', proxy), { env })
      for (const { name, only, run } of CASES) {
        if (only?.(proxy) !== false) await t.test(name, (t) => run(t, stack, proxy))
      }
    }
  )
}
