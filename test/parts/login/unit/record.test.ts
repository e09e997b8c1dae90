import t from 'tap'
import { decodeRecord, encodeRecord } from '../../../../src/parts/login/sessions/record.ts'

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

t.test('ignores a field it does not know, as a later release writes in a rolling update', async (t) => {
  const record = decodeRecord(WRITTEN)
  for (const more of [[{ unknown: 7 }], [{}], [{ rotates: 'perhaps' }], [null], ['text'], [{ unknown: 1 }, 2, [3]]]) {
    t.same(decodeRecord(withMore(...more)), record, JSON.stringify(more))
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
