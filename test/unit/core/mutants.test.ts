import t from 'tap'
import { decide, parsePolicy, SESSION_ONLY } from '../../../src/core/policy.ts'
import type { EpochMs } from '../../../src/core/token-expiry.ts'
import { validResolution } from '../../helpers/identity.ts'

// What mutation testing found nobody to look at (docs/decisions/016-mutants.md).

t.test('a method name is whole, and the reason says which parameter is wrong', (t) => {
  for (const value of ['!mfa', 'mfa!', 'é', ' mfa', 'm'.repeat(41)]) {
    t.equal(parsePolicy(`amr=${value}`).kind, 'bad', value)
  }
  t.match(parsePolicy(`amr=${'m'.repeat(40)}`), { kind: 'rules' })
  for (const [text, why] of [
    ['role=1', /^role /],
    ['amr=!', /^amr /],
    ['verified=no', /^verified /],
    ['anonymous=yes', /^anonymous /],
    ['login=on', /^login /],
    ['role', /^a parameter has no value/]
  ] as const) {
    t.match(parsePolicy(text), { kind: 'bad', why }, text)
  }
  t.strictSame(
    SESSION_ONLY,
    { kind: 'rules', roles: [], amr: [], verified: false, notAnonymous: false, maxAge: undefined, loginOff: false },
    'no policy asks for nothing but a session'
  )
  t.end()
})

t.test('a time of authentication is digits and nothing else', (t) => {
  const now = 1_800_000_000_000 as EpochMs
  for (const value of ['x1799999999', '1799999999x', '1799999999999999', '-1', ' ']) {
    t.match(
      decide(validResolution({ 'session-authenticated-at': value }), parsePolicy('max_age=999999999'), now),
      { kind: 'refuse', reason: 'step_up_required' },
      value
    )
  }
  t.equal(
    decide(validResolution({ 'session-authenticated-at': '1799999999' }), parsePolicy('max_age=60'), now).kind,
    'allow'
  )
  t.end()
})
