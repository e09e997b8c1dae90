import { testProxy } from './cases.ts'
import { traefik } from './proxies.ts'

testProxy(traefik)
