import t from 'tap'
import { decodeRecord, encodeRecord, isToken, recordBytes } from '../../../../src/parts/login/sessions/record.ts'

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

t.test('a field of another form makes it no record', async (t) => {
  const fields: unknown[] = JSON.parse(WRITTEN.subarray(1).toString())
  const wrong: ReadonlyArray<readonly [index: number, value: unknown]> = [
    [0, 0], [0, '3'], [1, 7], [2, ''], [3, null], [4, ''], [5, 'two words'], [6, -1], [7, '1'], [8, 'ä'],
    [9, null], [10, 'pwd'], [10, ['pwd', 7]], [10, {}], [11, 0], [12, null]
  ]
  for (const [index, value] of wrong) {
    const changed = fields.with(index, value)
    t.equal(decodeRecord(Buffer.concat([Buffer.of(1), Buffer.from(JSON.stringify(changed))])), undefined,
      `${index}: ${JSON.stringify(value)}`)
  }
})

t.test('a token is visible ASCII of at most 16 KiB', async (t) => {
  const longest = 'x'.repeat(16 * 1024)
  for (const value of ['!', '~', 'a.b-c', longest]) t.equal(isToken(value), true, value.slice(0, 9))
  for (const value of ['', ' a', 'a ', 'a b', 'a\n', 'ä', `${longest}x`, 7, null, ['a']]) {
    t.equal(isToken(value), false, String(value).slice(0, 9))
  }
})

t.test('a session costs its object, its name, and each text with its own object', async (t) => {
  const record = decodeRecord(WRITTEN)
  if (record === undefined) throw new Error('it was not read')
  const texts = ['a.example', 'u', 's', 'refresh', 'access', 'id', 'pwd']
  const bytes = 520 + 'key'.length + texts.length * 32 + texts.join('').length
  t.equal(recordBytes('key', record), bytes)
  t.equal(recordBytes('key', { ...record, others: { a: 1 } }), bytes + 16 * '{"a":1}'.length)
})
