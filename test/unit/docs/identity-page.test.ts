import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { SETS } from '../../../src/base/identity/sets.ts'
import { valueOf } from '../../../src/base/identity/values.ts'
import { readSnippet } from '../../e2e/snippets.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/identity.md'), 'utf8')
const ENCODINGS = ['percent', 'rfc8187'] as const
const NAMES = ['Ana', '李, 50%', 'علي', 'a+b c', "UTF-8''x", 'Zoë\r\nX-Admin: yes', '😀', '']

const encoded = (encoding: typeof ENCODINGS[number], name: string): string =>
  valueOf(
    'name', { userId: undefined, identity: [], profile: { name } }, { user: 'user_id', encoding, groups: 'roles' }
  )

t.test('docs/identity.md lists every name of every set', async (t) => {
  for (const { name } of Object.values(SETS).flat()) t.ok(PAGE.includes(`\`${name}\``), name)
})

t.test('its lines for Node decode what is sent', async (t) => {
  const decoders = runInNewContext(
    `${readSnippet('identity.md', 'identity: decode in Node')};({ percent: fromPercent, rfc8187: fromRfc8187 })`
  ) as Record<string, (value: string) => string>
  for (const encoding of ENCODINGS) {
    for (const name of NAMES) t.equal(decoders[encoding]?.(encoded(encoding, name)), name, `${encoding}: ${name}`)
  }
})

t.test('its lines for Python decode what is sent', async (t) => {
  const rows = ENCODINGS.flatMap((encoding) => NAMES.map((name) => [encoding, encoded(encoding, name)]))
  const program = `${readSnippet('identity.md', 'identity: decode in Python')}
import json, sys
by = {"percent": from_percent, "rfc8187": from_rfc8187}
print(json.dumps([by[encoding](value) for encoding, value in json.load(sys.stdin)]))`
  const found = execFileSync('python3', ['-c', program], { input: JSON.stringify(rows), encoding: 'utf8' })
  t.strictSame(JSON.parse(found), ENCODINGS.flatMap(() => NAMES))
})
