import t from 'tap'
import { fingerprint } from '../model/exhaustive/fingerprint.ts'
import { checkHolds } from '../model/exhaustive/holds.ts'
import { initial } from '../model/exhaustive/initial.ts'
import { next } from '../model/exhaustive/next.ts'
import { RULES } from '../model/exhaustive/rules.ts'
import { TOKEN_WORLDS, WITHOUT, WORLDS } from '../model/exhaustive/worlds.ts'

/** The smallest; all of them, and what goes wrong without a rule, are in revocation-exhaustive.all.test.ts. */
const SMALL = [WORLDS.start, WORLDS.lostReplica, WORLDS.rewrite, TOKEN_WORLDS.tokenCrash]
/** Rules whose absence breaks no promise in any of these worlds: decision 013 says why they are kept. */
const NOT_MISSED = ['no generation comes back']

t.test('in small worlds the protocol keeps its promises', async (t) => {
  for (const world of SMALL) t.test(world.name, async (t) => checkHolds(t, world))
})

t.test('no rule is without its counterexample', async (t) => {
  t.strictSame([...new Set([...WITHOUT.map(({ rule }) => rule), ...NOT_MISSED])].sort(), [...RULES].sort())
})

t.test('two states that differ in the order of replicas alone count as one', async (t) => {
  const rules = { world: WORLDS.crash, without: new Set<never>() }
  const first = initial(WORLDS.crash)
  const after = (label: string) => next(first, rules).find(([some]) => some === label)?.[1] ?? first
  t.equal(fingerprint(after('P crashes')), fingerprint(after('Q crashes')))
  const others = ['P crashes', 'P resolves', 'P takes revocation 1'].map(after)
  t.equal(new Set([first, ...others].map(fingerprint)).size, 4, 'and no others do')
})
