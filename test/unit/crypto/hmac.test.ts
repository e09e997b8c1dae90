import fc from 'fast-check'
import { createHmac } from 'node:crypto'
import t from 'tap'
import { createHmacSha256, type Hmac } from '../../../src/base/crypto/hmac.ts'
import { holds } from '../../helpers/property.ts'

const macOf = (hmac: Hmac, message: Uint8Array): string => hmac(Buffer.from(message).toString('latin1'))

const expected = (key: Uint8Array, message: Uint8Array): string =>
  createHmac('sha256', key).update(message).digest('base64url')

t.test('RFC 4231: the test vectors', async t => {
  const rows: readonly (readonly [key: Buffer, message: Buffer, hex: string])[] = [
    [Buffer.alloc(20, 0x0b), Buffer.from('Hi There'),
      'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [Buffer.from('Jefe'), Buffer.from('what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
    [Buffer.alloc(20, 0xaa), Buffer.alloc(50, 0xdd),
      '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
    [Buffer.alloc(131, 0xaa), Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54']
  ]
  for (const [key, message, hex] of rows) {
    t.equal(Buffer.from(macOf(createHmacSha256(key), message), 'base64url').toString('hex'), hex)
  }
})

t.test('equals createHmac for every key and message, one after the other', async (t) => {
  const key = fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 60, maxLength: 300 }))
  const messages = fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 5 })
  await holds(t, fc.property(key, messages, (key, messages) => {
    const hmac = createHmacSha256(key)
    return messages.every(message => macOf(hmac, message) === expected(key, message))
  }), 500)
})

t.test('sizes around the block and around the scratch, growing and shrinking', async t => {
  const key = Buffer.alloc(32, 7)
  const hmac = createHmacSha256(key)
  const sizes = [0, 1, 55, 56, 63, 64, 65, 4095, 4096, 4097, 0, 8192, 70_000, 3, 140_000, 0, 4096]
  for (const size of sizes) {
    t.equal(macOf(hmac, Buffer.alloc(size, size % 251)), expected(key, Buffer.alloc(size, size % 251)), `${size} bytes`)
  }
})

t.test('keys of every length around the block', async t => {
  for (const size of [0, 1, 31, 32, 63, 64, 65, 128]) {
    const key = Buffer.alloc(size, 0xa5)
    t.equal(
      macOf(createHmacSha256(key), Buffer.from('message')), expected(key, Buffer.from('message')), `${size} bytes`
    )
  }
})

t.test('the key may change afterwards, and a long message leaves nothing for a short one', async t => {
  const key = Buffer.alloc(32, 1)
  const hmac = createHmacSha256(key)
  key.fill(9)
  hmac('x'.repeat(10_000))
  t.equal(hmac('abc'), expected(Buffer.alloc(32, 1), Buffer.from('abc')))
})
