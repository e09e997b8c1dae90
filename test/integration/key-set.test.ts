import t, { type Test } from 'tap'
import { openKeySet } from '../../src/base/authgear/key-set.ts'
import { KeysUnavailable } from '../../src/base/errors.ts'
import { manualClock } from '../helpers/manual-clock.ts'
import { jwkOf, KEYS, KID, startIssuer } from '../helpers/token-issuer.ts'

async function start (t: Test) {
  const [issuer, clock] = [await startIssuer(t), manualClock()]
  const keySet = openKeySet({ endpoint: { origin: issuer.url }, timeoutMs: 30_000, ca: undefined },
    { clock, observer: { fetched: () => {} } })
  t.teardown(() => keySet.close())
  t.ok(await keySet.keyOf(KID))
  const junk = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) await keySet.keyOf(`junk ${n}`).catch(() => {})
  }
  const publish = (...kids: readonly string[]): void => {
    issuer.answer(200, { keys: kids.map((kid) => jwkOf(KEYS.publicKey, kid)) })
  }
  return { issuer, clock, keySet, junk, publish }
}

t.test('strangers’ kids keep no ID token of the token endpoint from its key', async (t) => {
  const { keySet, junk, publish } = await start(t)
  await junk()
  publish(KID, 'new')
  t.ok(await keySet.keyOf('new', 'token endpoint'))
})

t.test('a kid that a stranger guessed is looked up again for the token endpoint', async (t) => {
  const { keySet, publish } = await start(t)
  t.notOk(await keySet.keyOf('new'))
  publish(KID, 'new')
  t.notOk(await keySet.keyOf('new'), 'for ten seconds')
  t.ok(await keySet.keyOf('new', 'token endpoint'))
})

t.test('after strangers’ kids a new key is found within ten seconds', async (t) => {
  const { clock, keySet, junk, publish } = await start(t)
  await junk()
  publish(KID, 'new')
  await t.rejects(keySet.keyOf('new'), KeysUnavailable)
  clock.advance(10_000)
  t.ok(await keySet.keyOf('new'))
})

t.test('strangers’ kids cause six fetches at once, and one in ten seconds', async (t) => {
  const { issuer, clock, junk } = await start(t)
  const before = issuer.fetches()
  for (let second = 0; second < 60; second += 10) {
    await junk()
    clock.advance(10_000)
  }
  t.equal(issuer.fetches() - before, 11)
})
