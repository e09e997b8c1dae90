import t from 'tap'
import { ownKey } from '../../../../src/parts/login/sessions/record.ts'

t.test('what is kept of a session has names of its own, in one slot of a Cluster', async (t) => {
  const names = (['session', 'refresh-1', 'refresh-2', 'user', 'ended-grants', 'code'] as const)
    .map((what) => ownKey('p:', 'k', what))
  t.equal(new Set(names).size, names.length)
  for (const name of names) t.match(name, /^p:own:\{k\}:[a-z0-9-]+$/)
})
