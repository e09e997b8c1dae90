import t from 'tap'
import type { CacheKey } from '../../../../src/base/core/cache-key.ts'
import { createSealer } from '../../../../src/base/crypto/sealing.ts'
import {
  newest, openAt, type SessionRecord, seal, TOMBSTONE
} from '../../../../src/parts/login/sessions/record.ts'

const SEALER = createSealer(Buffer.alloc(32, 1))
const PLACE = { key: 'a-key' as CacheKey, sealer: SEALER }
const RECORD = {
  version: 3,
  host: 'app.example.com',
  userId: 'alice',
  sid: 'sid',
  refreshToken: 'refresh',
  accessToken: 'access',
  accessEndsAt: 1_800_000_000_000,
  accessLifeMs: 1_800_000,
  idToken: 'id',
  authTime: 1_700_000_000,
  amr: ['pwd'],
  createdAt: 1_700_000_000_000,
  usedAt: 1_700_000_001_000
} as unknown as SessionRecord

t.test('a sealed record opens at its own place alone, and shows nothing but its version', async (t) => {
  const sealed = seal(PLACE, RECORD)
  t.strictSame(openAt(PLACE, sealed), RECORD)
  t.equal(sealed.subarray(0, 10).toString(), '0000000003')
  for (const secret of ['refresh', 'access', 'alice']) t.notOk(sealed.includes(secret), secret)
  t.equal(openAt({ ...PLACE, key: 'another' as CacheKey }, sealed), undefined, 'at another key')
  t.equal(openAt({ ...PLACE, sealer: createSealer(Buffer.alloc(32, 2)) }, sealed), undefined, 'under another secret')
})

t.test('what was changed, cut off, or put in the place of a newer one is nothing', async (t) => {
  const sealed = seal(PLACE, RECORD)
  const newer = Buffer.concat([Buffer.from('0000000004'), sealed.subarray(10)])
  t.equal(openAt(PLACE, newer), undefined, 'an old record in the place of a newer one')
  t.equal(openAt(PLACE, sealed.subarray(0, -1)), undefined)
  t.equal(openAt(PLACE, Buffer.alloc(0)), undefined)
  const last = sealed.length - 1
  sealed.writeUInt8(sealed.readUInt8(last) ^ 1, last)
  t.equal(openAt(PLACE, sealed), undefined)
})

t.test('the mark of an ended session is no record, and no version is above it', async (t) => {
  t.equal(openAt(PLACE, TOMBSTONE), 'ended')
  t.ok(TOMBSTONE.toString() > seal(PLACE, { ...RECORD, version: 999_999_999 }).subarray(0, 10).toString())
})

t.test('of the records of two secrets the newer counts', async (t) => {
  const older = { ...RECORD, version: 2 }
  t.strictSame(newest(RECORD, older), [RECORD, false])
  t.strictSame(newest(older, RECORD), [RECORD, true])
  t.strictSame(newest(RECORD, { ...RECORD }), [RECORD, false])
  t.strictSame(newest(undefined, RECORD), [RECORD, true])
  t.strictSame(newest(RECORD, undefined), [RECORD, false])
  t.strictSame(newest(undefined, undefined), [undefined, false])
})
