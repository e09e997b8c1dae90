import { Ajv, type ValidateFunction } from 'ajv'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { snippet } from '../../../src/commands/snippet.ts'
import { PROXIES } from '../../../src/commands/snippet/proxies.ts'
import { tempDir } from '../../helpers/temp-dir.ts'
import { GUARDS } from './proxy-guards.ts'

const SCHEMAS = join(import.meta.dirname, '../../fixtures/schemas')
const ajv = new Ajv({ strict: false, allErrors: true })

const ROUTES = ['--policy', '/=anonymous=false', '--policy', '/admin=role=admin,owner', '--policy', '/a.b=max_age=300']
const IDENTITY = [
  '--identity', 'X-My-User={user},forwarded', '--assertion', '--policy', '/=identity=webauth&audience=a'
]
const ALL = [
  ...ROUTES,
  ...IDENTITY,
  '--login',
  '--listen',
  '0.0.0.0:80',
  '--forward-auth',
  'http://auth:8000',
  '--app',
  'http://shop:3000',
  '--host',
  'shop.example.com'
]

/**
 * The resources by file. `values.yaml` of Traefik's chart and APISIX's `config.yaml` have no schema to be had; APISIX's
 * routes have a test of their own below.
 */
const CHECKED = PROXIES.flatMap((proxy) => {
  const { checked } = GUARDS[proxy]
  return checked.by === 'schema' && proxy !== 'apisix' ? [[proxy, checked.files] as const] : []
})

const optionsOf = (proxy: string): ReadonlyArray<readonly string[]> =>
  proxy === 'istio-grpc'
    ? [[], ['--identity', 'remote']]
    : proxy === 'istio' ? [[], ['--policy', '/=role=admin', ...IDENTITY]] : [[], ROUTES, ALL]

type Resource = Readonly<{ apiVersion?: string, kind?: string, metadata?: { name?: string } }>

function read (path: string): unknown[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map(document => {
    if (document.errors.length > 0) throw new Error(`${path}: ${String(document.errors[0])}`)
    return document.toJS()
  })
}

/** Compiling one takes far longer than using it. */
const validators = new Map<string, ValidateFunction>()

function validatorOf (schema: string): ValidateFunction {
  const validator = validators.get(schema) ?? ajv.compile(JSON.parse(readFileSync(join(SCHEMAS, schema), 'utf8')))
  validators.set(schema, validator)
  return validator
}

function problems (schema: string, value: unknown): readonly string[] {
  const validate = validatorOf(schema)
  return validate(value)
    ? []
    : (validate.errors ?? []).map(
        ({ instancePath, message, params }) => `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`
      )
}

for (const [proxy, files] of CHECKED) {
  t.test(`${proxy}: each resource is as its schema says, and each name once`, async t => {
    for (const options of optionsOf(proxy)) {
      const folder = write(proxy, options)
      for (const file of files) {
        const resources = read(join(folder, file)) as Resource[]
        for (const resource of resources) {
          const schema = `${(resource.apiVersion ?? '').replace('/', '.')}.${resource.kind ?? ''}.json`
          t.ok(existsSync(join(SCHEMAS, schema)), schema)
          t.strictSame(
            problems(schema, resource),
            [],
            `${file}: ${resource.kind ?? ''} ${resource.metadata?.name ?? ''}`
          )
        }
        const names = resources.map(({ kind, metadata }) => `${kind ?? ''} ${metadata?.name ?? ''}`)
        t.strictSame([...new Set(names)], names)
      }
    }
  })
}

t.test('apisix: routes, upstreams and the plugin are as its source says', async t => {
  for (const options of optionsOf('apisix')) {
    const folder = write('apisix', options)
    t.strictSame(problems('apisix.json', read(join(folder, 'apisix.yaml'))[0]), [])
    t.match(readFileSync(join(folder, 'apisix.yaml'), 'utf8'), /\n#END\n$/)
    t.match(read(join(folder, 'config.yaml'))[0], {
      deployment: { role: 'data_plane' },
      nginx_config: { http: { underscores_in_headers: 'off' } }
    })
  }
})

t.test('traefik-labels: Compose reads it, and no label holds a bare $', async t => {
  const folder = write('traefik-labels', ALL)
  const [compose] = read(join(folder, 'traefik-labels.yml')) as [
    { services: Record<string, { labels?: string[], ports?: string[] }> }
  ]
  t.strictSame(Object.keys(compose.services), ['traefik', 'auth', 'shop'])
  t.strictSame(compose.services['auth']?.ports, undefined, 'only Traefik is published')
  for (const label of Object.values(compose.services).flatMap(({ labels = [] }) => labels)) {
    t.match(label, /^traefik\.[\w.-]+=(?:[^$]|\$\$)*$/)
  }
})

t.test('these schemas see a mistake', async t => {
  const [policy] = read(join(write('envoy-gateway', []), 'envoy-gateway.yaml')).slice(-1) as [
    { spec: { extAuth: Record<string, unknown> } }
  ]
  const schema = 'gateway.envoyproxy.io.v1alpha1.SecurityPolicy.json'
  t.strictSame(problems(schema, policy), [])
  t.equal(
    problems(schema, { ...policy, spec: { ...policy.spec, extAuth: { ...policy.spec.extAuth, failOpenn: false } } })
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
