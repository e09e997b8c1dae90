import t from 'tap'
import { REFUSALS, type RefusalReason } from '../../../src/base/core/reason.ts'

/** docs/interface.md, "Answers", by heart: status and what the client is told. */
const expected: Readonly<Record<RefusalReason, readonly [status: number, outward: string]>> = {
  no_credentials: [401, 'no_credentials'],
  malformed_credentials: [401, 'malformed_credentials'],
  ambiguous_credentials: [401, 'ambiguous_credentials'],
  expired_credentials: [401, 'expired_credentials'],
  wrong_audience: [401, 'wrong_audience'],
  invalid_session: [401, 'invalid_session'],
  client_blocked: [401, 'client_blocked'],
  step_up_required: [401, 'step_up_required'],
  forbidden: [403, 'forbidden'],
  bad_policy: [403, 'forbidden'],
  insufficient_scope: [403, 'insufficient_scope'],
  wrong_client: [403, 'wrong_client'],
  authgear_unavailable: [503, 'authgear_unavailable'],
  authgear_misconfigured: [503, 'authgear_unavailable'],
  overloaded: [503, 'overloaded'],
  exchange_limited: [503, 'overloaded'],
  record_unavailable: [503, 'record_unavailable']
}

t.test('every reason has the status and the outward text of docs/interface.md', async t => {
  t.strictSame(
    Object.fromEntries(Object.entries(REFUSALS).map(([reason, { status, outward }]) => [reason, [status, outward]])),
    expected
  )
})

t.test('every message is for a person and gives nothing away', async t => {
  for (const [reason, { message, outward }] of Object.entries(REFUSALS)) {
    t.match(message, /^[A-Z][^<>{}$%"\\]{20,120}\.$/, `${reason}: plain text that may stand in JSON and HTML`)
    t.notMatch(message, /authgear|redis|resolver|cache|role|policy|_/i, `${reason}: no word of what is behind`)
    t.match(outward, /^[a-z_]+$/, `${reason}: safe in a header and as a label`)
  }
})

t.test('reasons that look alike to a client have the same answer', async t => {
  t.equal(REFUSALS.bad_policy.message, REFUSALS.forbidden.message)
  t.equal(REFUSALS.authgear_misconfigured.message, REFUSALS.authgear_unavailable.message)
})
