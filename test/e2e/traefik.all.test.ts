import { testProxy } from './cases.ts'
import { traefikPlain } from './proxies.ts'

testProxy(traefikPlain)
