import { testProxy } from './cases.ts'
import { haproxy } from './proxies.ts'

testProxy(haproxy)
