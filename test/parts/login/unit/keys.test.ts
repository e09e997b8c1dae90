import t from 'tap'
import {
  ownGrantsKey, ownRefreshKey, ownSessionKey, ownUserKey, usedCodeKey
} from '../../../../src/parts/login/sessions/keys.ts'

t.test('what is kept of a session has names of its own, in one slot of a Cluster', async (t) => {
  const names = [
    ownSessionKey('p:', 'k'), ownRefreshKey('p:', 'k', 1), ownRefreshKey('p:', 'k', 2), ownUserKey('p:', 'k'),
    ownGrantsKey('p:', 'k'), usedCodeKey('p:', 'k')
  ]
  t.equal(new Set(names).size, names.length)
  for (const name of names) t.match(name, /^p:own:\{k\}:[a-z0-9-]+$/)
})
