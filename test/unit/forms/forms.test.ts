import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { entryForm } from '../../../src/base/cache/redis.ts'
import { keyOfForm } from '../../../src/base/redis/keys.ts'
import { STORED_PROFILE } from '../../../src/parts/profile/shared.ts'
import { STORED_PAIR } from '../../../src/parts/tokens/basic/record.ts'
import { formOf } from './form-of.ts'
import type { Form } from './one-key.ts'
import * as sample from './samples.ts'
import { SHOWN } from './shown.ts'
import { STORED } from './stored.ts'

/*
 * What is written has the form that test/fixtures/forms.json has under its name and number, and what earlier releases
 * wrote is read. A form that changed needs another number: docs/inside/contributing-tasks.md, "The form of what is kept
 * in Redis". A new optional field that older releases keep is added to the recorded form by hand, beside a sample.
 */
type Recorded = Readonly<{ form: unknown, written: readonly string[] }>
const FIXTURE = join(import.meta.dirname, '../../fixtures/forms.json')
const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Readonly<Record<string, Recorded>>

const FORMS: Readonly<Record<string, Form>> = { ...STORED, ...SHOWN }

/** RECORD_FORMS=1: a form that is not there yet, never another one for a name that is. */
async function record (): Promise<void> {
  const added: Record<string, Recorded> = { ...recorded }
  for (const [name, { write, sample }] of Object.entries(FORMS)) {
    const written = await write()
    added[name] ??= { form: formOf(written), written: [sample?.() ?? written] }
  }
  writeFileSync(FIXTURE, `${JSON.stringify(added, null, 2)}\n`)
}

if (process.env['RECORD_FORMS'] !== undefined) await record()

for (const [name, { write, read }] of Object.entries(FORMS)) {
  t.test(`${name}: writes the recorded form, reads what releases wrote`, async (t) => {
    const written = await write()
    t.strictSame(formOf(written), recorded[name]?.form, `as it was written: ${JSON.stringify(written)}`)
    const before = recorded[name]?.written ?? []
    t.ok(before.length > 0, 'a sample is recorded')
    if (read !== undefined) for (const sample of before) t.ok(await read(sample), sample)
  })
}

t.test('another form of a cached value has another key, the first one keeps its own', async (t) => {
  const keys = [keyOfForm('a', 1), keyOfForm('a', 2), keyOfForm('a', 2, 2), keyOfForm('a', 3, 2)]
  t.strictSame(keys, ['a', 'a2', 'a', 'a3'])
  const names = [entryForm(), STORED_PROFILE, STORED_PAIR].map(({ nameOf }) => nameOf('p:', sample.KEY))
  t.strictSame(names, ['entry', 'profile', 'basic'].map((kind) => `p:{${sample.KEY}}:${kind}`), 'as releases have them')
})

t.test('each recorded form is still one of these', async (t) => {
  t.strictSame(Object.keys(recorded).filter((name) => FORMS[name] === undefined), [])
})
