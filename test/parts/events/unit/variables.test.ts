import t from 'tap'
import { appTokens } from '../../../../src/parts/events/variables.ts'
import { errorsOf, load } from '../../../unit/config/helpers.ts'

const LISTEN_EVENTS = '127.0.0.1:4184'
const [A, B] = ['a'.repeat(32), 'b'.repeat(32)]

t.test('an app is a name and a token, by a comma or on a line of its own', async (t) => {
  const parsed = appTokens.parse(`urn:app:wiki:${A},\n grafana:${B}\n`, () => '')
  t.strictSame(parsed.kind === 'parsed' && parsed.value, [
    { name: 'urn:app:wiki', token: A }, { name: 'grafana', token: B }
  ])
})

const WRONG: ReadonlyArray<readonly [string, RegExp]> = [
  ['wiki', /entry 1 is invalid/],
  [`wiki:${A},grafana:short`, /entry 2 is invalid/],
  [`wiki app:${A}`, /entry 1 is invalid/],
  [`:${A}`, /entry 1 is invalid/],
  [`wiki:${A},grafana:${A}`, /the same token for two apps/],
  [Array.from({ length: 101 }, (_, n) => `app${n}:${String(n).padStart(32, '0')}`).join(), /more than 100 apps/]
]

t.test('what is no list of apps is refused, and no token is repeated', async (t) => {
  for (const [EVENTS_TOKENS, error] of WRONG) {
    const errors = errorsOf(load({ LISTEN_EVENTS, EVENTS_TOKENS })).join()
    t.match(errors, error)
    t.notOk(errors.includes(A) || errors.includes(B))
  }
})

const INCOMPLETE: ReadonlyArray<readonly [NodeJS.ProcessEnv, RegExp]> = [
  [{ LISTEN_EVENTS }, /^EVENTS_TOKENS: is required with LISTEN_EVENTS/],
  [{ EVENTS_TOKENS: `wiki:${A}` }, /^EVENTS_TOKENS: works only with LISTEN_EVENTS/],
  [{ LISTEN: '127.0.0.1:4184', LISTEN_EVENTS: '0.0.0.0:4184', EVENTS_TOKENS: `wiki:${A}` },
    /^LISTEN_EVENTS: is the same address as LISTEN/]
]

t.test('an address and apps need each other, and no listener shares the address', async (t) => {
  for (const [env, error] of INCOMPLETE) {
    const errors = errorsOf(load(env))
    t.match(errors, [error])
    t.equal(errors.length, 1)
  }
})
