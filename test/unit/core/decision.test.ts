import t from 'tap'
import { decide, readPolicy, type Decision, type Policy } from '../../../src/core/decision.ts'
import type { Resolution } from '../../../src/core/resolution.ts'
import { INVALID, SILENT, validResolution } from '../../helpers/identity.ts'

const VALID = validResolution()
const SESSION: Policy = { kind: 'session' }
const BAD: Policy = { kind: 'bad' }
const refuse = (reason: 'invalid_session' | 'bad_policy'): Decision => ({ kind: 'refuse', reason })

const rows: readonly (readonly [what: string, resolution: Resolution, policy: Policy, expected: Decision])[] = [
  ['somebody, no policy', VALID, SESSION, { kind: 'allow', resolution: VALID }],
  ['somebody, a policy that is not understood', VALID, BAD, refuse('bad_policy')],
  ['nobody', INVALID, SESSION, refuse('invalid_session')],
  ['nobody, silently', SILENT, SESSION, refuse('invalid_session')],
  ['a stranger learns nothing about the policy', INVALID, BAD, refuse('invalid_session')]
]

t.test('a decision', t => {
  for (const [what, resolution, policy, expected] of rows) t.strictSame(decide(resolution, policy), expected, what)
  t.end()
})

t.test('it starts from denied: what nobody foresaw is not allowed', t => {
  const hostile: readonly (readonly [what: string, resolution: unknown, policy: unknown])[] = [
    ['a resolution of another kind', { ...VALID, kind: 'other' }, SESSION],
    ['a resolution without a kind', { ...VALID, kind: undefined }, SESSION],
    ['an empty resolution', {}, SESSION],
    ['a policy of another kind', VALID, { kind: 'other' }],
    ['a policy without a kind', VALID, {}]
  ]
  for (const [what, resolution, policy] of hostile) t.equal(decide(resolution as Resolution, policy as Policy).kind, 'refuse', what)
  t.end()
})

t.test('until there is a grammar, a policy that says anything is not understood', t => {
  for (const texts of [[], [''], ['', '']]) t.strictSame(readPolicy(texts), SESSION, JSON.stringify(texts))
  for (const texts of [['role=admin'], ['', 'x'], ['x', ''], [' '], ['&'], ['?'], ['login=off'], ['\0']]) t.strictSame(readPolicy(texts), BAD, JSON.stringify(texts))
  t.end()
})
