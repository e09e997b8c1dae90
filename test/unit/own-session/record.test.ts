import t from 'tap'
import { decodeRecord, encodeRecord } from '../../../src/shared/own-session/record.ts'

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
