import fc from 'fast-check'
import t from 'tap'
import { createSealer } from '../../../src/base/crypto/sealing.ts'
import type { CacheKey } from '../../../src/base/core/cache-key.ts'
import { holds } from '../../helpers/property.ts'

const sealer = createSealer(Buffer.alloc(32, 1))
const KEY = 'k'.repeat(43) as CacheKey
const OTHER_KEY = `${'k'.repeat(42)}l` as CacheKey
const PLAIN = Buffer.from('who it is')

t.test('opens every value under the key it was sealed with', async t => {
  const keys = fc.string({ minLength: 1, maxLength: 50 }).map((text) => text as CacheKey)
  await holds(t, fc.property(fc.uint8Array({ maxLength: 500 }), keys, (plain, key) =>
    sealer.open(key, sealer.seal(key, plain))?.equals(plain) === true), 300)
  t.strictSame(sealer.open(KEY, new Uint8Array(sealer.seal(KEY, PLAIN))), PLAIN, 'a plain Uint8Array')
  t.strictSame(createSealer(Buffer.alloc(32, 1)).open(KEY, sealer.seal(KEY, PLAIN)), PLAIN, 'another replica')
})

t.test('it opens under no other key and no other secret', async t => {
  const sealed = sealer.seal(KEY, PLAIN)
  t.equal(sealer.open(OTHER_KEY, sealed), undefined)
  t.equal(sealer.open('' as CacheKey, sealed), undefined)
  t.equal(createSealer(Buffer.alloc(32, 2)).open(KEY, sealed), undefined)
})

t.test('one bit flipped anywhere, and it does not open', async t => {
  const sealed = sealer.seal(KEY, PLAIN)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed)
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    if (sealer.open(KEY, flipped) !== undefined) t.fail(`bit ${bit}`)
  }
})

t.test('cut short or made longer, it does not open', async t => {
  const sealed = sealer.seal(KEY, PLAIN)
  for (let length = 0; length < sealed.length; length++) { if (sealer.open(KEY, sealed.subarray(0, length)) !== undefined) t.fail(`${length} bytes`) }
  t.equal(sealer.open(KEY, Buffer.concat([sealed, Buffer.of(0)])), undefined, 'one byte behind')
  t.equal(sealer.open(KEY, Buffer.concat([Buffer.of(1), sealed])), undefined, 'one byte before')
  t.equal(
    sealer.open(KEY, Buffer.of(...sealed.subarray(0, 13), ...sealed.subarray(-16))), undefined, 'without its body'
  )
})

t.test('no two seals are alike, and nothing of the text shows', async t => {
  const seals = Array.from({ length: 200 }, () => sealer.seal(KEY, PLAIN).toString('hex'))
  t.equal(new Set(seals).size, 200)
  t.notOk(seals.some(hex => hex.includes(PLAIN.subarray(0, 4).toString('hex'))))
  t.equal(sealer.seal(KEY, PLAIN).length, 1 + 12 + PLAIN.length + 16, 'format, nonce, body, tag')
})
