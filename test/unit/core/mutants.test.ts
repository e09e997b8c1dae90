import t from 'tap'
import { createKeyer, deriveKeys } from '../../../src/core/cache-key.ts'
import { readCredentials, cookieNames } from '../../../src/core/credentials.ts'
import { jwtExpiry } from '../../../src/core/token-expiry.ts'
import { credentials } from '../../helpers/credentials.ts'
import { jwt } from '../../helpers/jwt.ts'

// What mutation testing found nobody to look at (docs/decisions/016-mutants.md).

t.test('headers with names as long as those that are read are not read', (t) => {
  const names = cookieNames('')
  for (const name of ['origin', 'Server', 'accept']) {
    t.strictSame(readCredentials([name, 'session=stolen'], names), { kind: 'none' }, name)
  }
  for (const name of ['if-none-match', 'Accept-Charset'.slice(0, 13)]) {
    t.strictSame(readCredentials([name, 'Bearer stolen'], names), { kind: 'none' }, name)
  }
  t.strictSame(readCredentials(['cookie'], names), { kind: 'none' }, 'a name without a value')
  t.end()
})

t.test('exactly 3,000 cookies are read, also where other lines hold as many semicolons', (t) => {
  const many = (count: number): string =>
    ['session=s', ...Array.from({ length: count - 1 }, (_, i) => `c${i}=v`)].join('; ')
  const names = cookieNames('')
  t.match(readCredentials(['cookie', many(3000), 'x-other', ';'.repeat(3000)], names), { kind: 'credentials' })
  t.strictSame(readCredentials(['cookie', many(3001)], names), { kind: 'none' })
  t.match(
    readCredentials(['cookie', 'c=v;'.repeat(1) + 'x'.repeat(5000), 'cookie', 'session=s'], names),
    { kind: 'credentials' },
    'a long cookie is not many'
  )
  t.end()
})

t.test('a token whose end is no number, or whose parts are no objects, has no end', (t) => {
  for (const exp of ['1800000000', true, null, [1800000000], {}]) {
    t.equal(jwtExpiry(jwt({ sub: 'u', exp })), undefined, JSON.stringify(exp))
  }
  for (const payload of ['null', '1', '"text"', '[]', 'not json']) t.equal(jwtExpiry(jwt(payload)), undefined, payload)
  for (const header of ['null', '1', '"at+jwt"', 'not json']) {
    t.equal(jwtExpiry(jwt({ exp: 1 }, header)), undefined, header)
  }
  t.end()
})

t.test('keys and digests of one text for several purposes are several', (t) => {
  const keys = deriveKeys(Buffer.alloc(32, 7))
  t.equal(new Set([keys.digest, keys.sealing, keys.log].map((key) => Buffer.from(key).toString('hex'))).size, 3)
  const keyer = createKeyer(keys.digest, { endpoint: 'https://a.example', cookiePrefix: '' })
  const [token] = keyer.digests(credentials({ bearer: 'same' }))
  const [session] = keyer.digests(credentials({ session: 'same' }))
  const [appSession, sessionId] = keyer.digests(credentials({ appSession: 'same.x' }))
  t.equal(new Set([token, session, appSession, sessionId]).size, 4)
  t.equal(keyer.memoryKey(credentials({ bearer: 'a' })), keyer.memoryKey(credentials({ bearer: 'a' })))
  t.not(keyer.memoryKey(credentials({ bearer: 'a' })), keyer.memoryKey(credentials({ bearer: 'b' })))
  t.match(keyer.memoryKey(credentials({ bearer: 'a' })), /^[\w-]{43}$/)
  t.end()
})
