import { testProxy } from './cases.ts'
import { envoy, envoyPrefix } from './proxies.ts'

testProxy(envoy)
testProxy(envoyPrefix)
