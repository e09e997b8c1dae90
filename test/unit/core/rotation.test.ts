import t from 'tap'
import { createKeyer, deriveKeys } from '../../../src/base/core/cache-key.ts'
import { createDigestForm, createRotatingKeyer, digestsUnder } from '../../../src/base/core/rotation.ts'
import { credentials } from '../../helpers/credentials.ts'

const PROJECT = { endpoint: 'https://a.example', cookiePrefix: '' }
const keyerOf = (byte: number) => createKeyer(deriveKeys(Buffer.alloc(32, byte)).digest, PROJECT)
const [current, previous] = [keyerOf(2), keyerOf(1)]
const SENT = credentials({ session: 'one.secret', bearer: 'token' })

t.test('a rotating keyer', async (t) => {
  let writesPrevious = true
  const keyer = createRotatingKeyer(current, previous, () => writesPrevious)

  t.test('names an entry under both secrets', async (t) => {
    t.strictSame(keyer.cacheKeys(SENT), { current: current.cacheKey(SENT), previous: previous.cacheKey(SENT) })
    t.equal(keyer.cacheKey(SENT), current.cacheKey(SENT), 'a line of the log has the current one')
    t.strictSame(current.cacheKeys(SENT), { current: current.cacheKey(SENT), previous: undefined })
  })

  t.test('gives what memory holds its digests under both', async (t) => {
    const digests = keyer.digests(SENT)
    t.equal(new Set(digests).size, 6)
    t.strictSame(digestsUnder('current', digests), current.digests(SENT))
    t.strictSame(digestsUnder('previous', digests), previous.digests(SENT))
  })

  t.test('gives a revocation its digests under the secret that all replicas know', async (t) => {
    for (const secret of ['previous', 'current'] as const) {
      writesPrevious = secret === 'previous'
      const own = secret === 'previous' ? previous : current
      const revocable = keyer.revocable()
      t.strictSame(digestsUnder(secret, revocable.digests(SENT)), own.digests(SENT), secret)
      t.strictSame(digestsUnder(secret, revocable.wholeDigests(SENT)), own.wholeDigests(SENT), secret)
      t.strictSame(digestsUnder(secret, [revocable.sessionDigest('one')]), [own.sessionDigest('one')], secret)
      for (const digest of revocable.digests(SENT)) t.ok(keyer.digests(SENT).includes(digest), 'which memory holds')
    }
  })
})

t.test('a digest that leaves the process names its secret', async (t) => {
  const [before, during, after, other] = [
    createDigestForm({ current: 'old', previous: undefined }),
    createDigestForm({ current: 'new', previous: 'old' }),
    createDigestForm({ current: 'new', previous: undefined }),
    createDigestForm({ current: 'third', previous: 'fourth' })
  ]
  const [ofOld, ofNew] = createRotatingKeyer(current, previous, () => true).digests(SENT).filter((_, i) => i % 3 === 0)
    .reverse()
  if (ofOld === undefined || ofNew === undefined) throw new Error('two digests')
  const [plain] = digestsUnder('previous', [ofOld])
  t.strictSame(during.seal(ofOld), { digest: plain, secret: 'old' })
  t.strictSame(during.seal(ofNew), { digest: ofNew, secret: 'new' })
  t.equal(during.open(during.seal(ofOld)), ofOld)
  t.equal(during.open(before.seal(plain ?? ofNew)), ofOld, 'of a replica that has the previous secret alone')
  t.equal(before.open(during.seal(ofOld)), plain, 'and for one')
  t.equal(after.open(during.seal(ofNew)), ofNew)
  for (const [form, portable] of [
    [after, during.seal(ofOld)],
    [before, during.seal(ofNew)],
    [other, during.seal(ofOld)],
    [other, during.seal(ofNew)]
  ] as const) t.equal(form.open(portable), undefined, 'of no secret that it has')
})
