import { testProxy } from './cases.ts'
import { traefik, traefikPlain } from './proxies.ts'

const { column: _, ...variant } = traefik

testProxy(traefikPlain)
/** Replicas of several processes keep the same promises: over TLS and HTTP/2. */
testProxy(variant, { WORKERS: '2' })
