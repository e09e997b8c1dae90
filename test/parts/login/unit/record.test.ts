import t from 'tap'
import { decodeRecord, encodeRecord, recordBytes } from '../../../../src/parts/login/sessions/record.ts'

/** As released replicas write it: one that cannot read it signs everybody out, in a rolling update again and again. */
const WRITTEN = Buffer.from(
  '\u0001[3,"a.example","u","s","refresh","access",1800000000000,1800000,"id",1700000000,["pwd"],' +
    '1700000000000,1700000001000]'
)

t.test('a record that a released version wrote is read, and is written so', async (t) => {
  const record = decodeRecord(WRITTEN)
  t.match(record, { version: 3, host: 'a.example', sid: 's', amr: ['pwd'], usedAt: 1_700_000_001_000 })
  if (record !== undefined) t.equal(encodeRecord(record).toString(), WRITTEN.toString())
})

/** @param more what a later release may write after the fields of this one */
const withMore = (...more: readonly unknown[]): Buffer =>
  Buffer.from(WRITTEN.toString().replace(/]$/, `${more.map((one) => `,${JSON.stringify(one)}`).join('')}]`))

t.test('reads a record with fields that it does not know, as a later release writes', async (t) => {
  const record = decodeRecord(WRITTEN)
  for (const more of [[{}], [{ rotates: 'perhaps' }], [null], ['text'], [7, [3]]]) {
    t.same(decodeRecord(withMore(...more)), record, JSON.stringify(more))
  }
  for (const more of [[{ unknown: 7 }], [{ unknown: 1 }, 2, [3]], [{ unknown: null }]]) {
    t.match(decodeRecord(withMore(...more)), record, JSON.stringify(more))
  }
})

t.test('writes again the fields that it does not know, beside new tokens', async (t) => {
  const later = { rotates: false, deviceKey: { kty: 'EC', x: [1, 2] }, hasFullAccess: true, note: null }
  const record = decodeRecord(withMore(later))
  if (record === undefined) throw new Error('it was not read')
  const refreshed = encodeRecord({ ...record, version: 4, accessToken: 'newer', rotates: true })
  const [, ...fields]: unknown[] = JSON.parse(refreshed.subarray(1).toString())
  t.match(fields, { 4: 'newer' })
  t.strictSame(fields.at(-1), { ...later, rotates: true })
  t.ok(recordBytes('key', record) > recordBytes('key', { ...record, others: undefined }) + 30, 'they take memory')
})

t.test('a field that it does not know never takes the place of one that it knows', async (t) => {
  for (const name of ['others', '__proto__', 'version', 'userId', 'toString']) {
    const text = `{${JSON.stringify(name)}:"bob"}`
    const record = decodeRecord(Buffer.from(WRITTEN.toString().replace(/]$/, `,${text}]`)))
    t.match(record, { version: 3, userId: 'u' }, name)
    if (record !== undefined) t.match(encodeRecord(record).toString(), `,${text}]`, `${name} is written again`)
  }
})

t.test('reads the fields that it knows beside one that it does not know', async (t) => {
  t.match(decodeRecord(withMore({ unknown: 7, rotates: false })), { version: 3, rotates: false })
})

t.test('a session has full access only where its record says so', async (t) => {
  t.equal(decodeRecord(WRITTEN)?.hasFullAccess, undefined, 'of a version without the field')
  t.equal(decodeRecord(withMore({ hasFullAccess: true }))?.hasFullAccess, true)
  t.equal(decodeRecord(withMore({ hasFullAccess: 1 }))?.hasFullAccess, undefined)
})

t.test('reads back every field that it writes', async (t) => {
  const record = decodeRecord(withMore({ rotates: true, hasFullAccess: true }))
  if (record === undefined) throw new Error('it was not read')
  t.equal(encodeRecord(record).toString(), withMore({ rotates: true, hasFullAccess: true }).toString())
})

t.test('a record that lacks a field of every release is none', async (t) => {
  const fields: unknown[] = JSON.parse(WRITTEN.subarray(1).toString())
  const short = Buffer.concat([Buffer.of(1), Buffer.from(JSON.stringify(fields.slice(0, -1)))])
  t.equal(decodeRecord(short), undefined)
  t.equal(decodeRecord(Buffer.concat([Buffer.of(2), WRITTEN.subarray(1)])), undefined, 'another form')
})
