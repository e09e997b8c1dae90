import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startInProcess } from '../helpers/in-process.ts'
import { sendRaw } from '../helpers/raw-http.ts'
import { startSimulator } from '../helpers/simulator.ts'

interface Shape {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly httpVersion?: string
}

const SHAPES = join(import.meta.dirname, '../fixtures/shapes')
const FILES = readdirSync(SHAPES).filter(name => name.endsWith('.json'))

/** Whose session=abc and whose bearer token the recorded requests carry. */
const MEMBER = {
  id: 'b0000000-0000-4000-8000-00000000000b',
  name: 'member',
  roles: ['member'],
  sessions: [{ cookie: 'abc', accessTokens: ['eyJhbGciOiJSUzI1NiJ9.e30.c2ln'] }]
} as const

const valuesOf = ({ rawHeaders }: Shape, name: string): readonly string[] =>
  rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)

const isSignedIn = (shape: Shape): boolean =>
  valuesOf(shape, 'authorization').length > 0 || valuesOf(shape, 'cookie').some((line) => line.includes('session=abc'))

/** By what is written in docs, not by what the service does. */
function expected (shape: Shape): Readonly<{ status: number, reason: string }> {
  const [path = '', query = ''] = shape.url.split('?', 2)
  // a prefix of the naive kind: the policy would be lost
  if (path !== '/verify' && !path.startsWith('/ext-authz/')) return { status: 404, reason: 'not_found' }
  if (!isSignedIn(shape)) return { status: 401, reason: 'no_credentials' }
  const policies = [...path === '/verify' && query !== '' ? [query] : [], ...valuesOf(shape, 'x-forward-auth-policy')]
  return policies.every((policy) => policy === 'login=off' || policy === 'role=member')
    ? { status: 200, reason: 'allowed' }
    : { status: 403, reason: 'forbidden' }
}

t.test('every request that a proxy was seen to send, or would send, is decided rightly', async t => {
  const authgear = await startSimulator(t)
  authgear.controls.addUser(MEMBER)
  const { port } = await startInProcess(t, { AUTHGEAR_ENDPOINT: authgear.url })
  const seen = new Map<string, number>()
  for (const file of FILES) {
    const shapes: readonly Shape[] = JSON.parse(readFileSync(join(SHAPES, file), 'utf8'))
    t.ok(shapes.length > 0, file)
    for (const [i, shape] of shapes.entries()) {
      const name = `${file} ${i}: ${shape.method} ${shape.url}`
      const answer = await sendRaw(port, textOf(shape))
      const { status, reason } = expected(shape)
      const header = (wanted: string): readonly string[] =>
        (answer?.headers ?? []).filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
      t.equal(answer?.status, status, name)
      t.strictSame(header('x-forward-auth-reason'), [reason], name)
      t.strictSame(header('x-authgear-user-id'), status === 200 ? [MEMBER.id] : [], `${name}: whose identity`)
      t.strictSame(header('x-authgear-user-roles'), status === 200 ? ['member'] : [], `${name}: whose roles`)
      seen.set(reason, (seen.get(reason) ?? 0) + 1)
    }
  }
  t.strictSame(
    [...seen.keys()].toSorted(), ['allowed', 'forbidden', 'no_credentials', 'not_found'], 'each of them happened'
  )
})

function textOf ({ method, url, rawHeaders, httpVersion = '1.1' }: Shape): string {
  const lines = rawHeaders.flatMap((name, i) => i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1] ?? ''}`] : [])
  return `${[`${method} ${url} HTTP/${httpVersion}`, ...lines].join('\r\n')}\r\n\r\n`
}
