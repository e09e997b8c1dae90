import fc from 'fast-check'
import t from 'tap'
import {
  decide, joinPolicies, NO_RULES, parsePolicy, type Policy, type Rules, SESSION_ONLY
} from '../../../src/base/core/policy.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import { IDENTITY_HEADERS, readResolution, type Resolution } from '../../../src/base/core/resolution.ts'
import { INVALID, SILENT, validResolution } from '../../helpers/identity.ts'
import { holds } from '../../helpers/property.ts'

const NOW = 1_800_000_000_000 as EpochMs
const role40 = 'r'.repeat(40)

/** How many requirements each text holds; what they mean is in requirement.test.ts. */
const GOOD: ReadonlyArray<readonly [text: string, count: number]> = [
  ['', 0],
  ['role=a', 1],
  ['role=a,b', 1],
  ['role=a&role=b', 2],
  ['role=_x:Y_9', 1],
  [`role=${'r'.repeat(40)}`, 1],
  ['verified=true&verified=true', 2],
  ['max_age=60&max_age=10&max_age=300', 3],
  ['amr=mfa,otp&amr=pwd', 2],
  ['role=a&verified=true&anonymous=false&max_age=5&amr=mfa&login=off', 6],
  [`role=${'a,'.repeat(4093)}a`, 1],
  // values are percent-decoded once; names and separators are not
  ['role=%61', 1],
  ['role=ops%3Aeu', 1],
  ['role=ops%3aeu', 1],
  ['role=a%2Cb', 1],
  ['role=a%2cb,c', 1],
  ['verified=%74rue&max_age=%36%30&login=o%66f&amr=m%66a&anonymous=f%61lse', 5]
]

/** What the grammar refuses; which values a parameter refuses is in requirement.test.ts. */
const BAD: readonly string[] = [
  // unknown, and almost known
  'x=1', 'roles=a', 'Role=a', 'ROLE=a', ' role=a', 'role =a', 'verified', 'role', 'optional=1', 'anonymous', 'login',
  'max-age=5', 'maxage=5',
  // names of prototypes
  '__proto__=a', 'constructor=a', 'toString=a', 'hasOwnProperty=a',
  // a value of the wrong form, also where it holds a separator
  'role=', 'role=a=b', 'role=a?b', 'role=a#b', `role=${role40}r`, 'verified=false', 'anonymous=true', 'login=on',
  // names and separators are not decoded, nor is a plus sign
  'ro%6Ce=a', '%72ole=a', 'role%3Da', 'role%3D=a', 'role=a%26role%3Db', 'role=a%26verified=true', 'role=a+b',
  'role=a%3Db',
  // escapes that do not decode: cut off, not hexadecimal, not UTF-8, overlong, of a surrogate, beyond Unicode
  'role=%', 'role=a%', 'role=a%6', 'role=%zz', 'role=%6g', 'role=%u0061', 'role=% 61', 'role=%FF', 'role=%61%80',
  'role=%C1%A1', 'role=%E0%81%A1', 'role=%F0%80%81%A1', 'role=a%C0%ACb', 'role=a%C0%80', 'role=%ED%A0%80',
  'role=%F4%90%80%80',
  // what decodes to anything outside of the grammar
  'role=a%00', 'role=%00', 'role=a%20', 'role=%20a', 'role=a%0A', 'role=a%0D%0A', 'role=a%09', 'role=a%2C', 'role=%2Ca',
  'role=a%2C%2Cb', 'role=%2C', 'role=a%C3%A9', 'role=a%EF%BC%8Cb', 'role=a%EF%BB%BF', 'verified=tru%65%00',
  'max_age=%2B5',
  // encoded twice
  'role=%2561', 'role=a%252Cb', 'role=ops%253Aeu', 'verified=%2574rue', 'role=%25', 'role=%25%36%31',
  'verified=%66alse', 'anonymous=%74rue',
  // separators
  '&', 'role=a&', '&role=a', 'role=a&&role=b', 'role=a;role=b', '?role=a', '#', 'role=a#x', 'role=a,role=b',
  // control bytes, and 8 KiB and more
  'role=a\0', 'role=a\t', 'role=a\n', '\0', `role=${'a'.repeat(8192)}`, `role=${'a,'.repeat(4094)}a`,
  // one bad parameter spoils the rest
  'role=a&x=1', 'x=1&role=a'
]

/** admin and app:editor, verified, signed in 100 s ago with pwd and mfa. */
const SOMEBODY = validResolution({
  'user-anonymous': 'false',
  'user-verified': 'true',
  'user-roles': 'admin,app:editor',
  'session-amr': 'pwd mfa',
  'session-authenticated-at': String(NOW / 1000 - 100)
})

/** What several requirements come to; what one of them means is in requirement.test.ts. */
const DECISIONS: ReadonlyArray<readonly [policy: string, decision: object]> = [
  ['', { kind: 'allow' }],
  ['role=admin&role=app:editor', { kind: 'allow' }],
  ['role=x%2Cadmin', { kind: 'allow' }],
  ['role=admin&role=x', { reason: 'forbidden' }],
  ['role=x&verified=true&login=off', { reason: 'forbidden' }],
  ['max_age=1000&max_age=99', { reason: 'step_up_required' }],
  ['amr=otp&role=x', { reason: 'step_up_required' }],
  ['rolle=admin', { reason: 'bad_policy' }],
  ['role=admin&x=y', { reason: 'bad_policy' }],
  // a challenge says what would be enough, and only what is missing
  ['max_age=5', { challenge: { maxAge: 5, amr: [] } }],
  ['max_age=50&max_age=5&max_age=20', { kind: 'refuse', challenge: { maxAge: 5 } }],
  ['amr=otp,hwk&max_age=500', { challenge: { maxAge: undefined, amr: ['otp', 'hwk'] } }],
  ['amr=otp&amr=mfa&max_age=5', { challenge: { maxAge: 5, amr: ['otp'] } }]
]

t.test('what several requirements decide together', async (t) => {
  for (const [policy, decision] of DECISIONS) {
    t.match(decide(SOMEBODY, parsePolicy(policy), NO_RULES, NOW), decision, policy)
  }
})

t.test('the rules count on every route, and a policy takes none of them back', async (t) => {
  const rules = (text: string): Rules => parsePolicy(text) as Rules
  for (const [rule, policy, decision] of [
    ['role=admin', '', { kind: 'allow' }],
    ['role=x', '', { reason: 'forbidden' }],
    ['role=x', 'role=admin', { reason: 'forbidden' }],
    ['role=admin', 'role=x', { reason: 'forbidden' }],
    ['role=x', 'rolle=admin', { reason: 'bad_policy' }],
    ['max_age=5', 'max_age=50', { reason: 'step_up_required', challenge: { maxAge: 5 } }],
    ['max_age=5', 'role=x', { reason: 'step_up_required' }]
  ] as const) {
    t.match(decide(SOMEBODY, parsePolicy(policy), rules(rule), NOW), decision, `${rule} and ${policy}`)
  }
  t.match(decide(INVALID, SESSION_ONLY, rules('role=admin'), NOW), { reason: 'invalid_session' })
})

t.test('a stranger learns nothing about the policy', async (t) => {
  for (const resolution of [INVALID, SILENT]) {
    for (const policy of ['', 'role=admin', 'max_age=1', 'x']) {
      t.match(decide(resolution, parsePolicy(policy), NO_RULES, NOW), { kind: 'refuse', reason: 'invalid_session' })
    }
  }
})

t.test('starts from denied: an unforeseen case is not allowed', async (t) => {
  const hostile: ReadonlyArray<readonly [what: string, resolution: unknown, policy: unknown]> = [
    ['a resolution of another kind', { ...SOMEBODY, kind: 'other' }, parsePolicy('')],
    ['a resolution without a kind', { ...SOMEBODY, kind: undefined }, parsePolicy('')],
    ['an empty resolution', {}, parsePolicy('')],
    ['a policy of another kind', SOMEBODY, { kind: 'other' }],
    ['a policy without a kind', SOMEBODY, {}]
  ]
  for (const [what, resolution, policy] of hostile) {
    t.equal(decide(resolution as Resolution, policy as Policy, NO_RULES, NOW).kind, 'refuse', what)
  }
})

t.test('what is understood', async (t) => {
  for (const [text, count] of GOOD) {
    const policy = parsePolicy(text)
    t.equal(policy.kind === 'understood' ? policy.requirements.length : policy.why, count, text.slice(0, 80))
    if (policy.kind === 'understood') t.ok(Object.isFrozen(policy.requirements))
  }
  t.equal(parsePolicy(''), SESSION_ONLY)
  t.equal(joinPolicies([SESSION_ONLY, parsePolicy('')]), SESSION_ONLY, 'joined, nothing is still nothing')
})

t.test('refuses unknown text, and repeats at most a short name of it', async (t) => {
  for (const text of BAD) {
    const policy = parsePolicy(text)
    t.equal(policy.kind, 'bad', JSON.stringify(text.slice(0, 60)))
    if (policy.kind === 'bad') t.match(policy.why, /^(?:[a-z0-9_ ]+(KiB)?|[\w-]{1,20} is not a parameter)$/)
  }
})

const NO_ARGUMENT =
  'its import in the Caddyfile has no argument: write import authgear_policy "", or a policy between the quotes'

t.test('the reason says what is wrong', async (t) => {
  for (const [text, why] of [
    ['role', 'a parameter has no value'],
    ['{args[0]}', NO_ARGUMENT],
    ['%7Bargs%5B0%5D%7D', NO_ARGUMENT],
    ['x=1', 'x is not a parameter'],
    ['roles=admin', 'roles is not a parameter'],
    ['\n=1', 'it has a parameter that is not known'],
    [`${'x'.repeat(21)}=1`, 'it has a parameter that is not known'],
    ['role=%', 'role has an escape that cannot be decoded'],
    ['role=%2561', 'role has a value that cannot be one'],
    [`role=${'a'.repeat(8188)}`, 'it is longer than 8 KiB'],
    ['verified=no&role', 'verified takes true and nothing else']
  ] as const) {
    t.strictSame(parsePolicy(text), { kind: 'bad', why }, text.slice(0, 20))
  }
})

/** Parameters that are understood and ones that are not, joined. */
const PARTS = ['role=a', 'role=b', 'role=a,b', 'role=a%2Cb', 'verified=true', 'anonymous=false', 'max_age=10',
  'max_age=1000', 'amr=mfa', 'amr=pwd,otp', 'login=off']
const WRONG = ['verified=false', 'x=1', 'role=', 'max_age=x', 'role=a%26role=b']
const text = fc.array(fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...PARTS) },
  { weight: 1, arbitrary: fc.constantFrom(...WRONG) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) }
), { minLength: 1, maxLength: 3 }).map((parameters) => parameters.join('&'))

const resolution = fc.record({
  roles: fc.constantFrom('', 'a', 'b', 'a,b', 'a,b,c'),
  verified: fc.constantFrom('true', 'false'),
  anonymous: fc.constantFrom('true', 'false'),
  amr: fc.constantFrom('', 'mfa', 'pwd mfa', 'otp'),
  at: fc.constantFrom('', '1799999995', '1799999500', '1')
}).map(({ roles, verified, anonymous, amr, at }) => {
  const reading = readResolution(
    IDENTITY_HEADERS.flatMap((name, index) => [
      name,
      ['true', 'u', anonymous, verified, roles, amr, at, 'true'][index] ?? ''
    ])
  )
  if (reading.kind !== 'resolution') throw new Error('not a resolution')
  return reading.resolution
})

t.test('a policy can only tighten: what A and B together allow, A allows', async (t) => {
  const allows = (subject: Parameters<typeof decide>[0], policy: string): boolean =>
    decide(subject, parsePolicy(policy), NO_RULES, NOW).kind === 'allow'
  let allowed = 0
  await holds(t, fc.property(text, text, resolution, (a, b, subject) => {
    const together = allows(subject, [a, b].filter((part) => part !== '').join('&'))
    if (together) allowed++
    const joined = decide(subject, joinPolicies([parsePolicy(a), parsePolicy(b)]), NO_RULES, NOW).kind === 'allow'
    return together === joined && (!together || (allows(subject, a) && allows(subject, b)))
  }), 5000)
  t.ok(allowed > 100, `${allowed} of 5,000 pairs allowed somebody`)
})

t.test('many of them, which a client may have sent, cost in proportion to their number', async (t) => {
  const one = parsePolicy('role=a')
  const fastest = (count: number): number => Math.min(...Array.from({ length: 10 }, () => {
    const started = performance.now()
    joinPolicies(new Array<Policy>(count).fill(one))
    return performance.now() - started
  }))
  fastest(20_000)
  const [few, many] = [fastest(2000), fastest(20_000)]
  t.ok(many < 40 * few, `ten times as many: ${(many / few).toFixed(1)} times the time`) // the square would be a hundred
})
