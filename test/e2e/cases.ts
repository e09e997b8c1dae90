import t from 'tap'
import { skipOrFail } from '../helpers/servers.ts'
import { createObserver } from './behaviour.ts'
import { accessRules } from './cases/access-rules.ts'
import { asks } from './cases/asks.ts'
import { away } from './cases/away.ts'
import { caddy } from './cases/caddy.ts'
import type { Case } from './cases/case.ts'
import { clientAddress } from './cases/client-address.ts'
import { envoy } from './cases/envoy.ts'
import { envoyGrpc } from './cases/envoy-grpc.ts'
import { http2 } from './cases/http2.ts'
import { identity } from './cases/identity.ts'
import { load } from './cases/load.ts'
import { login } from './cases/login.ts'
import { methods } from './cases/methods.ts'
import { nginx } from './cases/nginx.ts'
import { ownCookie } from './cases/own-cookie.ts'
import { outage } from './cases/outage.ts'
import { paths } from './cases/paths.ts'
import { policies } from './cases/policies.ts'
import { recipes } from './cases/recipes.ts'
import { resource } from './cases/resource.ts'
import { spoof } from './cases/spoof.ts'
import { tls } from './cases/tls.ts'
import { basicRoutes } from './cases/basic.ts'
import { toolRules } from './cases/tool-rules.ts'
import { traefik } from './cases/traefik.ts'
import { websocket } from './cases/websocket.ts'
import type { Proxy } from './proxy.ts'
import { startBehindProxy } from './behind-proxy.ts'

/** In this order: the outages come last, and the last of them ends the replicas. */
const CASES: readonly Case[] = [
  ...identity, ...spoof, ...methods, ...websocket, ...paths, ...policies, ...asks, ...clientAddress, ...http2,
  ...recipes, ...login, ...ownCookie, ...resource, ...accessRules, ...toolRules, ...basicRoutes, ...tls, ...away,
  ...traefik, ...caddy, ...nginx, ...envoy, ...envoyGrpc, ...load, ...outage
]

/**
 * Every proxy that we ship a configuration for keeps the same promises.
 * @param env of each replica, beside what every one has
 */
export function testProxy (proxy: Proxy): void {
  t.test(
    `${proxy.server} on what "snippet ${proxy.snippet}" writes`,
    { skip: skipOrFail(proxy.server, 'redis-server') },
    async (t) => {
      const stack = await startBehindProxy(t, proxy, createObserver(t, 'cases', proxy))
      for (const { name, only, run } of CASES) {
        if (only?.(proxy) !== false) await t.test(name, (t) => run(t, stack, proxy))
      }
    }
  )
}
