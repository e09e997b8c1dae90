import t from 'tap'
import { createDerivedPolicies, type OwnWords } from '../../../src/base/verify/policy-cache.ts'

/** Policies of a query and of headers, and how many were derived so far. */
function start (words?: OwnWords) {
  let derived = 0
  const read = createDerivedPolicies((policy) => ({ policy, number: ++derived }), words)
  const of = (query: string | undefined, ...policies: readonly string[]) =>
    read({ query, proxy: { policies, requestId: undefined, endsInput: false } })
  return { of, derived: () => derived }
}

t.test('a policy is derived once, wherever it is', async (t) => {
  const { of, derived } = start()
  t.equal(of('role=a'), of('role=a'))
  t.equal(of(undefined, 'role=b'), of('', 'role=b'))
  t.equal(of(undefined), of(''))
  t.equal(derived(), 3)
})

t.test('clients who send ever other policies make it remember 256 and no long one', async (t) => {
  const { of, derived } = start()
  for (let n = 0; n < 256; n++) of(`role=r${n}`)
  of('role=r0')
  t.equal(derived(), 256, 'all are remembered')
  of('role=r256')
  of('role=r0')
  t.equal(derived(), 258, 'one more, and they are forgotten')
  const [short, long] = [512, 513].map((length) => `role=${'r,'.repeat(300)}`.slice(0, length - 1) + 'r')
  for (const [text, times] of [[short, 1], [long, 2]] as const) {
    const before = derived()
    for (let n = 0; n < 2; n++) of(text)
    t.equal(derived() - before, times, `${text?.length} characters`)
  }
})

t.test('only the place that the proxy chose says what goes out', async (t) => {
  const NAMED = 'audience=grafana'
  for (const [words, inQuery, inHeader] of [['trusted', 1, 0], [undefined, 1, 0], ['doubtful', 0, 1]] as const) {
    const { of } = start(words)
    const presents = (...places: Parameters<typeof of>): number => {
      const { policy } = of(...places)
      return policy.kind === 'bad' ? -1 : policy.requirements.filter((one) => 'presents' in one).length
    }
    const counts = [presents(NAMED), presents('', NAMED), presents('role=a', NAMED)]
    t.strictSame(counts, [inQuery, inHeader, inHeader], String(words))
  }
})

t.test('all policies of a request apply', async (t) => {
  const { of } = start()
  for (const [places, count] of [
    [['role=a', 'role=b'], 2], [['', 'role=a', 'role=b'], 2], [['role=a', 'role=b', 'verified=true'], 3]
  ] as const) {
    const [query, ...headers] = places
    t.match(of(query, ...headers).policy, { requirements: { length: count } }, places.join(' '))
  }
  t.match(of('role=a', 'rolle=b').policy, { kind: 'bad' })
})
