import t from 'tap'
import { factsPart, replicasPart, refusalsPart, verdictPart } from '../../../../src/parts/status/head.ts'
import { sampleOf, type Sample } from '../../../../src/parts/status/history.ts'
import type { Replica } from '../../../../src/base/parts/given.ts'
import { allMetrics } from '../../../helpers/series.ts'

const SELF: Replica = { name: 'me', state: 'serving', authgear: 'ok' }
const others = (count: number): readonly Replica[] =>
  Array.from({ length: count }, (_, n) => ({ ...SELF, name: `other-${n}` }))

function sample (replicas: number, redisUp: boolean | undefined = true): Sample {
  const { now, ...rest } = allMetrics().reading()
  return sampleOf({ ...rest, now: { ...now, parts: { status: { replicas } }, redisUp } }, { wall: 0, monotonic: 0 })
}

const itemsOf = (part: string): number => part.match(/<li>/g)?.length ?? 0

type Shown = readonly [what: string, seen: number, known: number, items: number, more: RegExp | undefined]
const SHOWN: readonly Shown[] = [
  ['alone', 1, 0, 1, undefined],
  ['three', 3, 2, 3, undefined],
  ['fifty', 50, 49, 50, undefined],
  ['three hundred', 300, 50, 51, /<li>and 250 more<\/li>/]
]
t.test('other replicas are shown to a bound, with the number of the rest', async (t) => {
  for (const [what, seen, known, items, more] of SHOWN) {
    const part = replicasPart(SELF, others(known), sample(seen))
    t.equal(itemsOf(part), items, what)
    if (more === undefined) t.notMatch(part, 'more')
    else t.match(part, more)
  }
  t.match(replicasPart(SELF, [], sample(0, false)), /Other replicas are unknown/)
})

t.test('what another replica says of itself is text', async (t) => {
  t.match(replicasPart(SELF, [{ ...SELF, name: '<img src=x>' }], sample(2)), '<b>&lt;img src=x&gt;</b> <span')
})

t.test('"serving" is green only where the verdict is good', async (t) => {
  for (const [level, shown] of [
    ['good', '<dd class="good">serving'], ['warn', '<dd>serving'], ['bad', '<dd>serving']
  ] as const) t.match(factsPart('serving', sample(1), level, []), shown)
  t.match(factsPart('draining', sample(1), 'good', []), '<dd class="bad">draining')
})

t.test('notes stand below the sentences', async (t) => {
  const verdict = { level: 'warn', sentence: 'a < b.', link: 'x' } as const
  t.match(verdictPart([verdict], ['<p>a note</p>']), /<\/p><p>a note<\/p><\/div>$/)
  const also = '<ul class="also"><li class="warn"><a href="runbook#x">a &lt; b.</a></li></ul>'
  t.match(verdictPart([verdict, verdict], []), also)
  t.match(refusalsPart([sample(1)]), 'None.')
})
