import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Challenge } from '../../../src/core/policy.ts'
import { REFUSALS, type RefusalReason } from '../../../src/core/reason.ts'
import { createRefuse } from '../../../src/request/verify/responses.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/spa-and-mobile.md'), 'utf8')
/** Of its table of answers: status, reasons, what the challenge has beside the realm. */
const ROWS = [...PAGE.matchAll(/^\| (401|403|503) \| (.+?) \| (.+?) \|/gm)]
  .map(([, status, reasons = '', challenge = '']) => ({ status: Number(status), reasons: codesIn(reasons), challenge }))
const STEP_UP: Challenge = { maxAge: 300, amr: [] }
const refuse = createRefuse('https://auth.example.com')

function codesIn (text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

function answerTo (reason: RefusalReason): ReturnType<typeof refuse> {
  const challenge = reason === 'step_up_required' ? STEP_UP : undefined
  return refuse({ reason, bearer: reason !== 'no_credentials', challenge, audience: 'program', reference: '' })
}

for (const { status, reasons, challenge } of ROWS) {
  t.test(`docs/spa-and-mobile.md has what a program gets for ${reasons.join(', ')}`, async (t) => {
    for (const reason of reasons as readonly RefusalReason[]) {
      const { status: answered, headers, body } = answerTo(reason)
      t.equal(answered, status)
      t.equal((JSON.parse(body) as { error: string }).error, REFUSALS[reason].outward)
      const all = headers.join('\n')
      t.equal(all.includes('www-authenticate'), status === 401)
      if (status !== 503) {
        for (const part of codesIn(challenge)) t.ok(all.includes(part.replace('…', '300')), part)
        t.equal(all.includes('error='), challenge.includes('error='))
      }
      t.equal(all.includes('retry-after\n2'), status === 503)
    }
  })
}

t.test('docs/spa-and-mobile.md has every reason that /verify says', async (t) => {
  const named = ROWS.flatMap(({ reasons }) => reasons)
  // about resource tokens, or said as another one
  const elsewhere = new Set([
    'insufficient_scope', 'wrong_client', 'client_blocked', 'bad_policy', 'authgear_misconfigured'
  ])
  t.strictSame(named.toSorted(), Object.keys(REFUSALS).filter((reason) => !elsewhere.has(reason)).toSorted())
})
