import t from 'tap'
import { decide, type Decision, parsePolicy, type Policy } from '../../../src/core/policy.ts'
import type { EpochMs } from '../../../src/core/token-expiry.ts'
import { IDENTITY_HEADERS, readResolution, type IdentityHeader, type Resolution } from '../../../src/core/resolution.ts'
import { INVALID, SILENT, validResolution } from '../../helpers/identity.ts'

const NOW = 1_800_000_000_000 as EpochMs
const SECONDS = NOW / 1000

/** Somebody, with these values in place of the usual ones; undefined = Authgear did not send it. */
function person (values: Partial<Record<IdentityHeader, string | undefined>> = {}): Resolution & { kind: 'valid' } {
  const usual = {
    'x-authgear-session-valid': 'true',
    'x-authgear-user-id': 'u',
    'x-authgear-user-anonymous': 'false',
    'x-authgear-user-verified': 'true',
    'x-authgear-user-roles': 'admin,app:editor',
    'x-authgear-session-amr': 'pwd mfa',
    'x-authgear-session-authenticated-at': String(SECONDS - 100),
    ...values
  } as Partial<Record<IdentityHeader, string | undefined>>
  const reading = readResolution(
    IDENTITY_HEADERS.flatMap((name) => (usual[name] === undefined ? [] : [name, usual[name]]))
  )
  if (reading.kind !== 'resolution' || reading.resolution.kind !== 'valid') throw new Error('not a person')
  return reading.resolution
}

type Expected = 'allow' | 'forbidden' | 'step_up_required' | 'bad_policy'

const ROWS: ReadonlyArray<
  readonly [
    what: string,
    policy: string,
    values: Partial<Record<IdentityHeader, string | undefined>>,
    expected: Expected
  ]
> = [
  ['no policy', '', {}, 'allow'],
  ['has the role', 'role=admin', {}, 'allow'],
  ['has one of them', 'role=x,admin', {}, 'allow'],
  ['has both', 'role=admin&role=app:editor', {}, 'allow'],
  ['has one of two', 'role=admin&role=x', {}, 'forbidden'],
  ['another case is another role', 'role=Admin', {}, 'forbidden'],
  ['a part of a role is no role', 'role=app', {}, 'forbidden'],
  ['no roles at all', 'role=admin', { 'x-authgear-user-roles': undefined }, 'forbidden'],
  ['empty roles', 'role=admin', { 'x-authgear-user-roles': '' }, 'forbidden'],
  ['verified', 'verified=true', {}, 'allow'],
  ['not verified', 'verified=true', { 'x-authgear-user-verified': 'false' }, 'forbidden'],
  ['verified is not said', 'verified=true', { 'x-authgear-user-verified': undefined }, 'forbidden'],
  ['verified is something else', 'verified=true', { 'x-authgear-user-verified': 'TRUE' }, 'forbidden'],
  ['not anonymous', 'anonymous=false', {}, 'allow'],
  ['anonymous', 'anonymous=false', { 'x-authgear-user-anonymous': 'true' }, 'forbidden'],
  ['anonymous is not said', 'anonymous=false', { 'x-authgear-user-anonymous': undefined }, 'forbidden'],
  ['fresh to the second', 'max_age=100', {}, 'allow'],
  ['a second too old', 'max_age=99', {}, 'step_up_required'],
  ['of two ages the smaller counts', 'max_age=1000&max_age=99', {}, 'step_up_required'],
  [
    'authenticated-at is missing',
    'max_age=1000',
    { 'x-authgear-session-authenticated-at': undefined },
    'step_up_required'
  ],
  [
    'authenticated-at is no number',
    'max_age=1000',
    { 'x-authgear-session-authenticated-at': 'now' },
    'step_up_required'
  ],
  ['authenticated-at is empty', 'max_age=1000', { 'x-authgear-session-authenticated-at': '' }, 'step_up_required'],
  ['authenticated-at is negative', 'max_age=1000', { 'x-authgear-session-authenticated-at': '-1' }, 'step_up_required'],
  [
    'Authgear’s clock is 5 minutes ahead',
    'max_age=1000',
    { 'x-authgear-session-authenticated-at': String(SECONDS + 300) },
    'allow'
  ],
  [
    'more than 5 minutes ahead is no time',
    'max_age=1000',
    { 'x-authgear-session-authenticated-at': String(SECONDS + 301) },
    'step_up_required'
  ],
  ['has the amr', 'amr=mfa', {}, 'allow'],
  ['has one of the amr', 'amr=otp,mfa', {}, 'allow'],
  ['lacks the amr', 'amr=otp', {}, 'step_up_required'],
  ['today’s Authgear sends it empty', 'amr=mfa', { 'x-authgear-session-amr': '' }, 'step_up_required'],
  ['step-up comes before forbidden', 'amr=otp&role=x', {}, 'step_up_required'],
  ['a comma that is encoded means "or" too', 'role=x%2Cadmin', {}, 'allow'],
  ['an encoded colon', 'role=app%3Aeditor', {}, 'allow'],
  ['an encoded role that the user lacks', 'role=%61dmi', {}, 'forbidden'],
  ['an ampersand that is encoded separates nothing', 'role=admin%26verified=true', {}, 'bad_policy'],
  ['an escape that is encoded twice', 'role=%2561dmin', {}, 'bad_policy'],
  ['an overlong comma', 'role=x%C0%ACadmin', {}, 'bad_policy'],
  ['a zero byte', 'role=admin%00', {}, 'bad_policy'],
  ['login=off changes nothing', 'login=off', {}, 'allow'],
  ['not understood', 'rolle=admin', {}, 'bad_policy'],
  ['not understood beside what is', 'role=admin&x=y', {}, 'bad_policy']
]

t.test('what a policy asks, and who meets it', async (t) => {
  for (const [what, policy, values, expected] of ROWS) {
    const decision = decide(person(values), parsePolicy(policy), NOW)
    t.equal(decision.kind === 'allow' ? 'allow' : decision.reason, expected, `${what}: ${policy}`)
  }
})

t.test('a challenge says what would be enough, and only what is missing', async (t) => {
  const challenge = (policy: string): Decision => decide(person(), parsePolicy(policy), NOW)
  t.match(challenge('max_age=5'), { challenge: { maxAge: 5, amr: [] } })
  t.match(challenge('max_age=50&max_age=5&max_age=20'), { kind: 'refuse', challenge: { maxAge: 5 } })
  t.match(challenge('amr=otp,hwk&max_age=500'), { challenge: { maxAge: undefined, amr: ['otp', 'hwk'] } })
  t.match(challenge('amr=otp&amr=mfa&max_age=5'), { challenge: { maxAge: 5, amr: ['otp'] } })
})

t.test('a stranger learns nothing about the policy', async (t) => {
  for (const resolution of [INVALID, SILENT]) {
    for (const policy of ['', 'role=admin', 'max_age=1', 'x']) {
      t.match(decide(resolution, parsePolicy(policy), NOW), { kind: 'refuse', reason: 'invalid_session' })
    }
  }
})

t.test('it starts from denied: what nobody foresaw is not allowed', async (t) => {
  const VALID = validResolution()
  const hostile: ReadonlyArray<readonly [what: string, resolution: unknown, policy: unknown]> = [
    ['a resolution of another kind', { ...VALID, kind: 'other' }, parsePolicy('')],
    ['a resolution without a kind', { ...VALID, kind: undefined }, parsePolicy('')],
    ['an empty resolution', {}, parsePolicy('')],
    ['a policy of another kind', VALID, { kind: 'other' }],
    ['a policy without a kind', VALID, {}]
  ]
  for (const [what, resolution, policy] of hostile) {
    t.equal(decide(resolution as Resolution, policy as Policy, NOW).kind, 'refuse', what)
  }
})
