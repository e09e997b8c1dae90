import t from 'tap'
import { filesOf } from './snippet-of.ts'

const POLICIES = ['/a-b=role=one', '/ab=role=two', '/admin=role=admin', '/a.b=role=three']
const ARGS = [...POLICIES.flatMap((policy) => ['--policy', policy]), '--identity', 'remote', '--login']

for (const proxy of ['traefik-kubernetes', 'gateway-api']) {
  t.test(`${proxy}: names can be split in one way only`, async (t) => {
    const files = filesOf(proxy, ...ARGS)
    const names = [...(files['middlewares.yaml'] ?? '').matchAll(/^ {2}name: (.+)$/gm)].map(([, name = '']) => name)
    t.strictSame(names.toSorted(), ['appab', 'appab2', 'appabx2', 'appadmin', 'authgear', 'clean', 'refuse'],
      'no dash, each once')
    const routes = files['ingressroute.yaml'] ?? files['httproute.yaml'] ?? ''
    const used = [...routes.matchAll(/(?:kind: Middleware, |middlewares: \[\{ )name: ([^ ]+)/g)].map(([, one]) => one)
    t.strictSame(new Set(used), new Set(names), 'each is used, and no other')
  })

  t.test(`${proxy}: sets Traefik's safeNaming`, async (t) => {
    t.match(filesOf(proxy, ...ARGS)['values.yaml'], /^- --providers\.kubernetescrd\.safenaming=true$/m)
  })
}
