import fc from 'fast-check'
import t from 'tap'
import { all, decide, parsePolicy, type Policy, type Rules, SESSION_ONLY } from '../../../src/core/policy.ts'
import type { EpochMs } from '../../../src/core/token-expiry.ts'
import { IDENTITY_HEADERS, readResolution } from '../../../src/core/resolution.ts'

const role40 = 'r'.repeat(40)

const GOOD: ReadonlyArray<readonly [text: string, rules: Partial<Rules>]> = [
  ['', {}],
  ['role=a', { roles: [['a']] }],
  ['role=a,b', { roles: [['a', 'b']] }],
  ['role=a&role=b', { roles: [['a'], ['b']] }],
  ['role=_x:Y_9', { roles: [['_x:Y_9']] }],
  [`role=${role40}`, { roles: [[role40]] }],
  ['verified=true', { verified: true }],
  ['verified=true&verified=true', { verified: true }],
  ['anonymous=false', { notAnonymous: true }],
  ['max_age=0', { maxAge: 0 }],
  ['max_age=3600', { maxAge: 3600 }],
  ['max_age=60&max_age=10&max_age=300', { maxAge: 10 }],
  ['amr=mfa', { amr: [['mfa']] }],
  ['amr=mfa,otp&amr=pwd', { amr: [['mfa', 'otp'], ['pwd']] }],
  ['login=off', { loginOff: true }],
  [
    'role=a&verified=true&anonymous=false&max_age=5&amr=mfa&login=off',
    { roles: [['a']], verified: true, notAnonymous: true, maxAge: 5, amr: [['mfa']], loginOff: true }
  ],
  [`role=${'a,'.repeat(4093)}a`, { roles: [new Array(4094).fill('a')] }]
]

const BAD: readonly string[] = [
  // unknown, and almost known
  'x=1',
  'roles=a',
  'Role=a',
  'ROLE=a',
  ' role=a',
  'role =a',
  'verified',
  'role',
  'optional=1',
  'anonymous',
  'login',
  'max-age=5',
  'maxage=5',
  // names of prototypes
  '__proto__=a', 'constructor=a', 'toString=a', 'hasOwnProperty=a',
  // empty and broken lists
  'role=',
  'role=,',
  'role=a,',
  'role=,a',
  'role=a,,b',
  'amr=',
  'amr=mfa,',
  'max_age=',
  'verified=',
  'anonymous=',
  'login=',
  // role keys that Authgear cannot have
  'role=1a',
  'role=a-b',
  'role=a b',
  'role=é',
  'role=a.b',
  `role=${role40}r`,
  'role=a=b',
  'role=a?b',
  'role=a#b',
  'role=*',
  // percent-encoding and plus: nothing is decoded
  'role=%61', 'ro%6Ce=a', 'role=a%2Cb', 'role=a%00', 'role=a+b', 'verified=%74rue', '%72ole=a',
  // the other value, another case
  'verified=false',
  'verified=TRUE',
  'verified=1',
  'verified=yes',
  'anonymous=true',
  'anonymous=False',
  'anonymous=0',
  'login=on',
  'login=OFF',
  'login=0',
  // numbers
  'max_age=-1',
  'max_age=+1',
  'max_age=1.5',
  'max_age=1e3',
  'max_age=0x10',
  'max_age=007',
  'max_age=1000000000',
  'max_age=Infinity',
  'max_age=NaN',
  'max_age= 5',
  'max_age=5s',
  // separators
  '&', 'role=a&', '&role=a', 'role=a&&role=b', 'role=a;role=b', '?role=a', '#', 'role=a#x', 'role=a,role=b',
  // control bytes, and 8 KiB and more
  'role=a\0', 'role=a\t', 'role=a\n', '\0', `role=${'a'.repeat(8192)}`, `role=${'a,'.repeat(4094)}a`,
  // one bad parameter spoils the rest
  'role=a&x=1', 'x=1&role=a'
]

t.test('what is understood', async (t) => {
  for (const [text, rules] of GOOD) t.strictSame(parsePolicy(text), { ...SESSION_ONLY, ...rules }, text.slice(0, 80))
})

t.test('what is not understood refuses, and the reason repeats nothing of it', async (t) => {
  for (const text of BAD) {
    const policy = parsePolicy(text)
    t.equal(policy.kind, 'bad', JSON.stringify(text.slice(0, 60)))
    if (policy.kind === 'bad') t.match(policy.why, /^[a-z0-9_ ]+(KiB)?$/)
  }
})

/** Parameters that are understood and ones that are not, joined. */
const text = fc
  .array(
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc.constantFrom(
          'role=a',
          'role=b',
          'role=a,b',
          'verified=true',
          'anonymous=false',
          'max_age=10',
          'max_age=1000',
          'amr=mfa',
          'amr=pwd,otp',
          'login=off'
        )
      },
      { weight: 1, arbitrary: fc.constantFrom('verified=false', 'x=1', 'role=', 'max_age=x') },
      { weight: 1, arbitrary: fc.string({ maxLength: 8 }) }
    ),
    { minLength: 1, maxLength: 3 }
  )
  .map((parameters) => parameters.join('&'))

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
    decide(subject, parsePolicy(policy), 1_800_000_000_000 as EpochMs).kind === 'allow'
  let allowed = 0
  fc.assert(fc.property(text, text, resolution, (a, b, subject) => {
    const together = allows(subject, [a, b].filter((part) => part !== '').join('&'))
    if (together) allowed++
    const joined = decide(subject, all([parsePolicy(a), parsePolicy(b)]), 1_800_000_000_000 as EpochMs).kind === 'allow'
    return together === joined && (!together || (allows(subject, a) && allows(subject, b)))
  }), { numRuns: 5000, seed: 4 })
  t.ok(allowed > 100, `${allowed} of 5,000 pairs allowed somebody`)
})

t.test('many of them, which a client may have sent, cost in proportion to their number', async (t) => {
  const one = parsePolicy('role=a')
  const fastest = (count: number): number => Math.min(...Array.from({ length: 10 }, () => {
    const started = performance.now()
    all(new Array<Policy>(count).fill(one))
    return performance.now() - started
  }))
  fastest(20_000)
  const [few, many] = [fastest(2000), fastest(20_000)]
  t.ok(many < 40 * few, `ten times as many: ${(many / few).toFixed(1)} times the time`) // the square would be a hundred
})
