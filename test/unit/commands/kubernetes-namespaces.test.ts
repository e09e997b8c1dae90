import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import t from 'tap'
import { problemsOf, readYaml, type Resource, schemaOf } from '../../helpers/schemas.ts'
import { filesOf } from './snippet-of.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = join(ROOT, 'deploy/kubernetes/namespaces')
/** Of Traefik's Helm chart, which has no schema to be had. */
const VALUES = 'entrypoint-values.yaml'
const FILES = readdirSync(FOLDER).filter((name) => name !== VALUES)

type Any = Resource & Readonly<{ spec: Readonly<Record<string, unknown>> }>
const resources: ReadonlyArray<readonly [file: string, resource: Any]> =
  FILES.flatMap((file) => (readYaml(join(FOLDER, file)) as Any[]).map((one) => [file, one] as const))

/** The resources of a kind that snippet writes. */
function written (proxy: string, kind: string, ...args: readonly string[]): readonly Any[] {
  return Object.values(filesOf(proxy, ...args))
    .flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as Any))
    .filter((one) => one.kind === kind)
}

t.test('each resource is as its schema says, and names its namespace', async (t) => {
  t.ok(FILES.length >= 10)
  for (const [file, resource] of resources) {
    t.strictSame(problemsOf(schemaOf(resource), resource), [], `${file}: ${resource.kind ?? ''}`)
    t.ok(resource.metadata?.namespace, `${file}: ${resource.kind ?? ''} has a namespace`)
  }
})

t.test('a Middleware that asks is the one that snippet writes, by its full name', async (t) => {
  const wanted = written('traefik-kubernetes', 'Middleware', '--forward-auth', 'http://forward-auth.auth.svc:4180')
    .find(({ metadata }) => metadata?.name === 'authgear')
  const asking = resources.filter(([, { kind, spec }]) => kind === 'Middleware' && 'forwardAuth' in spec)
  t.equal(asking.length, 3, 'the one for all, and one for each kind of route that cannot reach it')
  for (const [file, { spec }] of asking) t.strictSame(spec, wanted?.spec, file)
})

t.test('strips the same names from clients as snippet does', async (t) => {
  const cleaning = resources.filter(([, { kind, spec }]) => kind === 'Middleware' && 'headers' in spec)
  const clean = written('traefik-kubernetes', 'Middleware').find(({ metadata }) => metadata?.name === 'clean')
  t.equal(cleaning.length, 1, 'that of the public route')
  for (const [file, { spec }] of cleaning) t.strictSame(spec, clean?.spec, file)
  const [early] = written('envoy-gateway', 'ClientTrafficPolicy')
  const traffic = resources.filter(([, { kind }]) => kind === 'ClientTrafficPolicy')
  t.ok(traffic.length >= 1)
  for (const [file, { spec }] of traffic) t.strictSame(spec['headers'], early?.spec['headers'], file)
})

t.test('a SecurityPolicy that asks is the one that snippet writes, with the namespace', async (t) => {
  for (const [file, { kind, spec, metadata }] of resources.filter(([, { spec }]) => 'extAuth' in spec)) {
    const policy = metadata?.name === 'admin' ? ['--policy', '/=role=admin'] : []
    const [gateways] = written('envoy-gateway', kind ?? '', ...policy)
    const text = JSON.stringify(spec['extAuth']).replace('"namespace":"auth",', '')
    t.equal(text, JSON.stringify(gateways?.spec['extAuth']), file)
  }
})

t.test('the page says of each file what it answers', async (t) => {
  const page = readFileSync(join(ROOT, 'docs/kubernetes-namespaces.md'), 'utf8')
  for (const file of [...FILES, VALUES]) t.match(page, `(../deploy/kubernetes/namespaces/${file})`, file)
})

t.test('Traefik’s values protect both entry points as snippet’s do', async (t) => {
  const values = readFileSync(join(FOLDER, VALUES), 'utf8')
  const theirs = readFileSync(join(ROOT, 'deploy/traefik-kubernetes/values.yaml'), 'utf8')
  const lines = theirs.split('\n').filter((line) => line.startsWith('- --'))
  t.ok(lines.length >= 5)
  for (const line of lines) {
    t.ok(values.includes(`\n${line}\n`), line)
    const other = line.replace('entrypoints.web.', 'entrypoints.public.')
    t.ok(values.includes(`\n${other}\n`), other)
  }
  t.match(values, '\n- --entrypoints.web.http.middlewares=auth_authgear@kubernetescrd\n')
})
