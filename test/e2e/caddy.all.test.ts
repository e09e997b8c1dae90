import { testProxy } from './cases.ts'
import { caddy } from './proxies.ts'

testProxy(caddy)
