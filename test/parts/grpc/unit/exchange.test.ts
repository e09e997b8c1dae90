import t from 'tap'
import { createGrpcExchange, type GrpcExchangeDeps } from '../../../../src/parts/grpc/exchange.ts'
import { OK } from '../../../../src/base/http/success.ts'
import type { Handler, HandlerResult, Status } from '../../../../src/base/http/types.ts'
import { NOTHING } from '../../../../src/base/identity/presenter.ts'
import { createAllow } from '../../../../src/base/verify/responses.ts'
import { createMemory, remembered, type Remembered } from '../../../helpers/remembered.ts'
import { decodeCheck, encodeCheck, linesOf } from '../../../helpers/grpc.ts'

const REQUEST = encodeCheck({ request: { http: { method: 'GET', path: '/', host: 'a', headers: {} } } })
const NAMES = ['x-authgear-user-id', 'remote-user', 'x-own']

const DEPS = {
  identityNames: NAMES,
  trustProxy: () => true,
  report: () => {},
  notFound: () => {},
  unreadable: () => {},
  unexpectedError: () => {}
}

function exchange (handler: Handler, more: Partial<GrpcExchangeDeps> = {}) {
  const errors: unknown[] = []
  const one = createGrpcExchange({
    ...DEPS,
    handlers: { verify: handler },
    unexpectedError: (error) => { errors.push(error) },
    ...more
  })
  return { errors, ask: async () => decodeCheck(await one(REQUEST, '127.0.0.1')) }
}

const allow = (headers: readonly string[]): HandlerResult =>
  ({ response: { status: OK, headers, body: '' }, reason: 'allowed', source: 'memory', who: undefined })
const boom = new Error('boom')

/** Of an answer that does not come: whichever side fails, the request is denied. */
const FAILURES: Readonly<Record<string, readonly [Handler, Partial<GrpcExchangeDeps>?]>> = {
  'the handler throws': [() => { throw boom }],
  'the handler rejects': [async () => { throw boom }],
  'a header of the answer is none': [() => allow(['x-authgear-user-id', 'a\nb'])],
  'a header of a later answer is none': [async () => allow(['x-authgear-user-id', 'a\nb'])],
  'the report of what is not there throws': [() => allow([]), { handlers: {}, notFound: () => { throw boom } }],
  'the report throws': [() => allow([]), { report: () => { throw boom } }],
  'the report of a later answer throws': [async () => allow([]), { report: () => { throw boom } }]
}

for (const [name, [handler, more]] of Object.entries(FAILURES)) {
  t.test(`${name}: denied with 503`, async (t) => {
    const { ask, errors } = exchange(handler, more)
    const { status, denied_response: denied } = await ask()
    t.not(status?.code ?? 0, 0)
    t.equal(denied?.status.code, 503)
    t.match(linesOf(denied?.headers ?? []), { 'retry-after': '2', 'x-forward-auth-reason': 'authgear_unavailable' })
    t.equal(errors.length, 1)
  })
}

t.test('whatever status is not 200 is denied with it, even one that HTTP calls a success', async (t) => {
  for (const status of [201, 204, 302, 401, 403, 404, 503]) {
    const { ask } = exchange(() => ({ ...allow([]), response: { status: status as Status, headers: [], body: '' } }))
    const answer = await ask()
    t.not(answer.status?.code ?? 0, 0, `${status}`)
    t.equal(answer.denied_response?.status.code, status)
  }
})

t.test('what has no value is removed, with every name that an app might believe', async (t) => {
  const { ask } = exchange(() => allow([
    'content-length', '0', 'x-authgear-user-id', 'alice', 'Remote-User', '', 'x-forward-auth-reason', 'allowed',
    'x-envoy-auth-headers-to-remove', 'remote-user,x-other'
  ]))
  const { ok_response: ok } = await ask()
  t.strictSame(linesOf(ok?.headers ?? []), { 'x-authgear-user-id': 'alice' })
  t.strictSame(ok?.headers.map(({ append }) => append), [{}], 'append is there and false: it overwrites')
  t.strictSame([...ok?.headers_to_remove ?? []].sort(), ['remote-user', 'x-other', 'x-own'])
})

t.test("the client's own spellings of such a name are removed, where Envoy shows them", async (t) => {
  const bytes = encodeCheck({
    request: {
      http: {
        method: 'GET',
        path: '/',
        host: 'a',
        headers: {
          X_Own: 'a', 'x.authgear.user-id': 'a', 'x-authgear-new': 'a', 'x-forward-auth-new': 'a', 'x-owner': 'a'
        }
      }
    }
  })
  const one = createGrpcExchange({ ...DEPS, handlers: { verify: () => allow(['x-authgear-user-id', 'alice']) } })
  const { ok_response: ok } = decodeCheck(await one(bytes, undefined))
  t.strictSame(linesOf(ok?.headers ?? []), { 'x-authgear-user-id': 'alice' })
  t.strictSame(ok?.headers_to_remove.filter((name) => !NAMES.includes(name)).sort(),
    ['x-authgear-new', 'x-forward-auth-new', 'x.authgear.user-id', 'x_own'])
})

t.test('a value that is no UTF-8 cannot be said, and its name is removed', async (t) => {
  const { ask } = exchange(() => allow(['x-own', '\xe9', 'remote-user', '\xc3\xa9']))
  const { ok_response: ok } = await ask()
  t.strictSame(linesOf(ok?.headers ?? []), { 'remote-user': 'é' })
  t.ok(ok?.headers_to_remove.includes('x-own'))
})

t.test('a person in memory is written once, and nobody else by it', async (t) => {
  const allowUser = createAllow('empty')
  const memory = createMemory()
  const [alice, bob] = ['alice', 'bob'].map((id) => remembered({ 'user-id': id }, memory)) as [Remembered, Remembered]
  const sayings: readonly Remembered[] = [alice, bob, alice, bob]
  let asked = 0
  const exchange = createGrpcExchange({
    ...DEPS,
    handlers: {
      verify: () => ({
        ...allow([]), source: 'memory', response: allowUser(sayings[asked++] as Remembered, 'memory', NOTHING)
      })
    }
  })
  const [one, other, oneAgain, otherAgain] = sayings.map(() => exchange(REQUEST, undefined))
  t.equal(oneAgain, one)
  t.equal(otherAgain, other)
  t.match(String(one), /alice/)
  t.match(String(other), /bob/)
  t.notMatch(String(other), /alice/)
})

t.test('an answer that is the same object is written once', async (t) => {
  const result = allow(['x-authgear-user-id', 'alice'])
  const one = createGrpcExchange({ ...DEPS, handlers: { verify: () => result } })
  t.equal(one(REQUEST, undefined), one(REQUEST, undefined))
})
