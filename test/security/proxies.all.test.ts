import { envoy, haproxy } from '../e2e/proxies.ts'
import { testProxy } from './helpers/proxy-rows.ts'

for (const proxy of [envoy, haproxy]) testProxy(proxy)
