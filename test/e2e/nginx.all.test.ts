import { testProxy } from './cases.ts'
import { nginx } from './proxies.ts'

testProxy(nginx)
