import { testProxy } from './cases.ts'
import { envoyPrefix } from './proxies.ts'

testProxy(envoyPrefix)
