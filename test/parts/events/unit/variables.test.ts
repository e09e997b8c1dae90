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
  ['wiki', /entry 1 cannot be one/],
  [`wiki:${A},grafana:short`, /entry 2 cannot be one/],
  [`wiki app:${A}`, /entry 1 cannot be one/],
  [`:${A}`, /entry 1 cannot be one/],
  [`wiki:${A},grafana:${A}`, /one token for two apps/],
  [Array.from({ length: 101 }, (_, n) => `app${n}:${String(n).padStart(32, '0')}`).join(), /more than 100 apps/]
]

t.test('what is no list of apps is refused, and no token is repeated', async (t) => {
  for (const [EVENTS_TOKENS, error] of WRONG) {
    const errors = errorsOf(load({ LISTEN_EVENTS, EVENTS_TOKENS })).join()
    t.match(errors, error)
    t.notOk(errors.includes(A) || errors.includes(B))
  }
})
