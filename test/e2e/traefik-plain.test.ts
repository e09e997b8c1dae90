import { testProxy } from './cases.ts'
import { traefik } from './traefik.ts'

testProxy({ ...traefik, tls: false, paths: { 'filename: dynamic.yml': 'filename: dynamic-plain.yml' } })
