import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { snippet } from '../../../src/commands/snippet.ts'
import { PROXIES } from '../../../src/commands/snippet/proxies.ts'
import { hasSchema, problemsOf, readYaml, type Resource, schemaOf } from '../../helpers/schemas.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { GUARDS } from './proxy-guards.ts'
import { ALL_SENT } from './snippet-of.ts'

const ROUTES = ['--policy', '/=anonymous=false', '--policy', '/admin=role=admin,owner', '--policy', '/a.b=max_age=300']
const IDENTITY = [
  '--identity', 'X-My-User={user},forwarded', ...ALL_SENT, '--policy', '/=identity=webauth&audience=a'
]
const ALL = [
  ...ROUTES, ...IDENTITY, '--login', '--listen', '0.0.0.0:80', '--forward-auth', 'http://auth:8000', '--app',
  'http://shop:3000', '--host', 'shop.example.com'
]

/**
 * The resources by file. `values.yaml` of Traefik's chart and APISIX's `config.yaml` have no schema to be had; APISIX's
 * routes have a test of their own below.
 */
const CHECKED = PROXIES.flatMap((proxy) => {
  const { checked } = GUARDS[proxy]
  return checked.by === 'schema' && proxy !== 'apisix' ? [[proxy, checked] as const] : []
})

const OPTIONS = [[], ROUTES, ALL]

for (const [proxy, { files }] of CHECKED) {
  t.test(`${proxy}: each resource is as its schema says, and each name once`, async t => {
    for (const options of OPTIONS) {
      const folder = write(proxy, options)
      for (const file of files.filter((name) => existsSync(join(folder, name)))) {
        const resources = readYaml(join(folder, file)) as Resource[]
        for (const resource of resources) {
          const schema = schemaOf(resource)
          t.ok(hasSchema(schema), schema)
          t.strictSame(
            problemsOf(schema, resource), [], `${file}: ${resource.kind ?? ''} ${resource.metadata?.name ?? ''}`
          )
        }
        const names = resources.map(({ kind, metadata }) => `${kind ?? ''} ${metadata?.name ?? ''}`)
        t.strictSame([...new Set(names)], names)
      }
    }
  })
}

t.test('apisix: routes, upstreams and the plugin are as its source says', async t => {
  for (const options of OPTIONS) {
    const folder = write('apisix', options)
    t.strictSame(problemsOf('apisix.json', readYaml(join(folder, 'apisix.yaml'))[0]), [])
    t.match(readFileSync(join(folder, 'apisix.yaml'), 'utf8'), /\n#END\n$/)
    t.match(readYaml(join(folder, 'config.yaml'))[0], {
      deployment: { role: 'data_plane' }, nginx_config: { http: { underscores_in_headers: 'off' } }
    })
  }
})

t.test('traefik-labels: Compose reads it, and no label holds a bare $', async t => {
  const folder = write('traefik-labels', ALL)
  const [compose] = readYaml(join(folder, 'traefik-labels.yml')) as [
    { services: Record<string, { labels?: string[], ports?: string[] }> }
  ]
  t.strictSame(Object.keys(compose.services), ['traefik', 'auth', 'shop'])
  t.strictSame(compose.services['auth']?.ports, undefined, 'only Traefik is published')
  for (const label of Object.values(compose.services).flatMap(({ labels = [] }) => labels)) {
    t.match(label, /^traefik\.[\w.-]+=(?:[^$]|\$\$)*$/)
  }
})

t.test('these schemas see a mistake', async t => {
  const [policy] = readYaml(join(write('envoy-gateway', []), 'envoy-gateway.yaml')).slice(-1) as [
    { spec: { extAuth: Record<string, unknown> } }
  ]
  const schema = 'gateway.envoyproxy.io.v1alpha1.SecurityPolicy.json'
  t.strictSame(problemsOf(schema, policy), [])
  t.equal(
    problemsOf(schema, { ...policy, spec: { ...policy.spec, extAuth: { ...policy.spec.extAuth, failOpenn: false } } })
      .length,
    1
  )
})

function write (proxy: string, options: readonly string[]): string {
  const folder = tempDir(t, proxy)
  const errors: string[] = []
  const err = { write: (text: string) => errors.push(text) }
  if (snippet([proxy, '--out', folder, ...options], { write: () => {} }, err) !== 0) throw new Error(errors.join(''))
  return folder
}
