import { testProxy } from './cases.ts'
import { envoy } from './proxies.ts'

testProxy(envoy)
