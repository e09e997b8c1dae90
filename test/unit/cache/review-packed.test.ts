import t from 'tap'
import { createMemoryCache } from '../../../src/cache/memory.ts'
import { createKeyer } from '../../../src/core/cache-key.ts'
import { createRotatingKeyer } from '../../../src/core/rotation.ts'
import { entryBytes } from '../../../src/cache/entry-size.ts'
import { entryOf } from '../../helpers/entry.ts'
import { validResolution } from '../../helpers/identity.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const project = { endpoint: 'https://a.example', cookiePrefix: '' }
const keyer = createRotatingKeyer(
  createKeyer(Buffer.from('a'), project), createKeyer(Buffer.from('b'), project), () => false
)

t.test('a session with two cookies is read from the packed ones during a rotation', async t => {
  const memory = createMemoryCache({
    maxEntries: 100, maxBytes: 2 ** 24, clock: manualClock(), hot: { entries: 1, bytes: 20_000 }
  })
  const credentials = { bearer: undefined, appSession: 'id.secret', appAccessToken: undefined, session: 'id2.secret2' }
  const digests = keyer.digests(credentials)
  t.equal(digests.length, 8)
  memory.write('a', entryOf({ digests }), 20_000, { local: 0, at: 1, isBounded: true })
  memory.write('b', entryOf(), 20_000)
  t.doesNotThrow(() => memory.read('a'))
  t.end()
})

t.test('capacity beside CACHE_MAX_ENTRIES', async t => {
  for (const roles of [1000, 4000]) {
    const kept = []
    for (const maxEntries of [8200]) {
      const memory = createMemoryCache({ maxEntries, maxBytes: 200 * 2 ** 20, clock: manualClock() })
      const entry = (i: number) => entryOf({
        resolution: validResolution({ 'user-id': `u${i}`, 'user-roles': 'r'.repeat(roles) })
      })
      for (let i = 0; i < maxEntries; i++) memory.write(`${i}`.padStart(43, 'k'), entry(i), 20_000)
      kept.push(`${maxEntries}: ${memory.size()} ${Math.round(memory.bytes() / 2 ** 20)} MiB`)
    }
    t.comment(roles, entryBytes('k'.repeat(43), entryOf({ resolution: validResolution({ 'user-roles': 'r'.repeat(roles) }) }), false), kept)
  }
  t.end()
})
