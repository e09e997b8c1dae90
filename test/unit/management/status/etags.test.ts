import t from 'tap'
import { abstractCache, createTagStore, type TagStore } from '../../../../src/operate/management/status/routes.ts'
import { manualClock } from '../../../helpers/manual-clock.ts'

const key = { id: '"tag"', segment: '/' }
const never = new Promise<never>(() => {})

const byCallback = (cache: ReturnType<typeof abstractCache>): Promise<readonly unknown[]> =>
  new Promise((resolve) => {
    cache.get(key, (...told) => resolve(told)).catch(t.threw)
  })

t.test('a tag is found for its life, by callback and by promise', async (t) => {
  const clock = manualClock()
  const cache = abstractCache(createTagStore(clock))
  t.strictSame(await byCallback(cache), [null, null])
  await new Promise<void>((resolve) => { cache.set(key, true, 1000, () => resolve()).catch(t.threw) })
  t.match(await byCallback(cache), [null, { item: true, ttl: 1000 }])
  t.match(await cache.get(key), { item: true })
  t.equal(await cache.get({ ...key, segment: '/status.json' }), null, 'not that of another resource')
  t.equal(await cache.get('"tag"'), null)
  clock.advance(1000)
  t.equal(await cache.get(key), null)
})

t.test('it holds a few tags, the newest', async (t) => {
  const store = createTagStore(manualClock())
  for (let n = 0; n < 1000; n++) await store.set(`t${n}`, true, 1000)
  t.equal(await store.get('t0'), undefined)
  t.ok(await store.get('t999'))
  t.equal(Array.from({ length: 1000 }, (_, n) => store.get(`t${n}`)).filter((found) => found !== undefined).length, 16)
})

const FAILING: ReadonlyArray<readonly [what: string, store: TagStore]> = [
  ['throws', { get () { throw new Error('x') }, set () { throw new Error('x') } }],
  ['rejects', { get: () => Promise.reject(new Error('x')), set: () => Promise.reject(new Error('x')) }],
  ['never answers', { get: () => never, set: () => never }]
]
for (const [what, store] of FAILING) {
  t.test(`a store that ${what} is a miss: no rejection, no error, no wait`, async (t) => {
    const cache = abstractCache(store, 5)
    t.equal(await cache.get(key), null)
    t.strictSame(await byCallback(cache), [null, null])
    await cache.set(key, true, 1)
    t.strictSame(
      await new Promise((resolve) => {
        cache.set(key, true, 1, (...told) => resolve(told)).catch(t.threw)
      }),
      [null, undefined]
    )
  })
}
