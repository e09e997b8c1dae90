import { generateKeyPairSync } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLocalJWKSet, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { PUBLISH_AFTER_MS, PUBLISH_AHEAD_MS } from '../../../../src/parts/assertion/key-set.ts'
import { type AssertingReplica, HOUR, startAssertingReplica } from '../asserting-replica.ts'
import { tempDir } from '../../../helpers/temp-dir.ts'
import { until } from '../../../helpers/until.ts'

const pem = (curve?: string): string =>
  (curve === undefined ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve })).privateKey
    .export({ format: 'pem', type: 'pkcs8' })
    .toString()

async function start (t: Test, text: string) {
  const keyFile = join(tempDir(t, 'key'), 'key.pem')
  writeFileSync(keyFile, text, { mode: 0o600 })
  const replica = await startAssertingReplica(t, { ASSERTION_KEY_FILE: keyFile })
  const linesOf = (text: string): number => replica.lines.filter(({ msg }) => String(msg).includes(text)).length
  return {
    replica,
    async change (text: string): Promise<void> {
      const before = linesOf('ASSERTION_KEY_FILE')
      writeFileSync(keyFile, text)
      await until('it is noticed', () => linesOf('ASSERTION_KEY_FILE') > before)
    },
    async remove (): Promise<void> {
      rmSync(keyFile)
      await until('it is noticed', () => replica.lines.some((line) => JSON.stringify(line).includes('ENOENT')))
    },
    linesOf
  }
}

async function verify (replica: AssertingReplica): Promise<void> {
  const keys = createLocalJWKSet(JSON.parse((await replica.fetchKeys()).body))
  await jwtVerify(replica.sign() ?? '', keys, { currentDate: new Date(replica.clock.wall()) })
}

for (const [name, curve] of [['ES256', 'P-256'], ['EdDSA', undefined]] as const) {
  t.test(`its key signs by ${name}, from the start and past any rotation`, async (t) => {
    const { replica } = await start(t, pem(curve))
    await verify(replica)
    const [kid] = await replica.kids()
    replica.clock.advance(1000 * HOUR)
    t.equal(replica.kid(), kid)
    t.strictSame(await replica.kids(), [kid])
    t.match(await replica.metrics.render(), /^forward_auth_assertion_next_key_timestamp_seconds 0$/m)
  })
}

t.test('a new key is published at once, signs later, and the old one goes last', async (t) => {
  const { replica, change } = await start(t, pem('P-256'))
  const old = replica.kid()
  await change(pem())
  const next = (await replica.kids())[1]
  t.equal(replica.kid(), old)
  replica.clock.advance(PUBLISH_AHEAD_MS)
  t.equal(replica.kid(), next)
  await verify(replica)
  t.strictSame(await replica.kids(), [next, old])
  replica.clock.advance(PUBLISH_AFTER_MS + 1)
  t.strictSame(await replica.kids(), [next])
})

t.test('of several keys the first signs and all are published', async (t) => {
  const [one, two] = [pem('P-256'), pem()]
  const { replica, change } = await start(t, one + two)
  const [first, second] = await replica.kids()
  t.equal(replica.kid(), first)
  replica.clock.advance(PUBLISH_AHEAD_MS)
  await change(two + one)
  t.equal(replica.kid(), second, 'which every key set has had for long')
  await verify(replica)
})

t.test('a file that cannot be used changes nothing', async (t) => {
  const { replica, change, remove, linesOf } = await start(t, pem('P-256'))
  const kid = replica.kid()
  for (const text of ['', 'no key', pem('P-384')]) await change(text)
  await remove()
  t.ok(linesOf('cannot be used: the keys that were read last stay') > 0)
  replica.clock.advance(PUBLISH_AHEAD_MS)
  t.equal(replica.kid(), kid)
  t.strictSame(await replica.kids(), [kid])
  t.notMatch(JSON.stringify(replica.lines), /MI[\w+/]{20}/)
})
