import { testProxy } from './cases.ts'
import { envoyGrpc } from './proxies.ts'

testProxy(envoyGrpc)
