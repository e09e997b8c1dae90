import { testProxy } from './cases.ts'
import { traefik } from './traefik.ts'

testProxy({ ...traefik, tls: true, facts: { ...traefik.facts, connections: 2 } }) // HTTP/2
