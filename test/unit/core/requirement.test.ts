import t from 'tap'
import { decide, joinPolicies, NO_RULES, parsePolicy, type Policy } from '../../../src/base/core/policy.ts'
import {
  type Outcome, type Parameter, PERSON_PARAMETERS, type PersonRequirement, TOKEN_PARAMETERS
} from '../../../src/base/core/requirement.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import { identityOf, USER_ID, validResolution } from '../../helpers/identity.ts'

const NOW = 1_800_000_000_000 as EpochMs
const at = (secondsAgo: number): string => String(NOW / 1000 - secondsAgo)
/** More than are compared one by one. */
const MANY_ROLES = Array.from({ length: 30 }, (_, index) => `r${index}`).join(',')
const long = (length: number): string => 'r'.repeat(length)
const stepUp = (maxAge: number | undefined, ...amr: string[]): Outcome => ({ stepUp: { maxAge, amr } })

type Values = Readonly<Record<string, string | undefined>>
type Case = Readonly<{
  refused: readonly string[]
  /** Names are those of Authgear's headers; undefined: it did not send that one. */
  outcomes: ReadonlyArray<readonly [value: string, identity: Values, outcome: Outcome]>
  /** What an identity without a value gives. */
  lacking: Outcome
  login?: PersonRequirement['login']
}>

/** One suite for the whole table: a parameter without its rows does not compile. */
const CASES: Readonly<Record<keyof typeof PERSON_PARAMETERS, Case>> = {
  role: {
    refused: ['', ',', 'a,', ',a', 'a,,b', '1a', 'a-b', 'a.b', 'a b', 'é', '*', long(41), 'a%62', 'a\0', 'a\n'],
    outcomes: [
      ['admin', { 'user-roles': 'admin,app:editor' }, 'met'],
      ['x,admin', { 'user-roles': 'admin,app:editor' }, 'met'],
      ['app:editor', { 'user-roles': 'admin,app:editor' }, 'met'],
      ['Admin', { 'user-roles': 'admin' }, 'forbidden'],
      ['app', { 'user-roles': 'app:editor' }, 'forbidden'],
      [long(40), { 'user-roles': long(40) }, 'met'],
      ['r29', { 'user-roles': MANY_ROLES }, 'met'],
      ['r30', { 'user-roles': MANY_ROLES }, 'forbidden']
    ],
    lacking: 'forbidden'
  },
  user: {
    refused: ['', ',', 'a,', 'a b', 'a@b', 'é', 'a%62', '*', long(129), 'a\0', 'a\n'],
    outcomes: [
      [USER_ID, {}, 'met'],
      [`someone,${USER_ID}`, {}, 'met'],
      ['someone', {}, 'forbidden'],
      [USER_ID.toUpperCase(), {}, 'forbidden'],
      [USER_ID.slice(1), {}, 'forbidden'],
      [long(128), { 'user-id': long(128) }, 'met']
    ],
    lacking: 'forbidden'
  },
  amr: {
    refused: ['', 'mfa,', '!mfa', 'mfa!', ' mfa', 'é', long(41), 'm%66a', 'mfa\0'],
    outcomes: [
      ['mfa', { 'session-amr': 'pwd mfa' }, 'met'],
      ['otp,mfa', { 'session-amr': 'pwd mfa' }, 'met'],
      ['otp,hwk', { 'session-amr': 'pwd mfa' }, stepUp(undefined, 'otp', 'hwk')],
      ['Mfa', { 'session-amr': 'mfa' }, stepUp(undefined, 'Mfa')],
      [long(40), { 'session-amr': long(40) }, 'met']
    ],
    lacking: stepUp(undefined, 'mfa'),
    login: 'useless'
  },
  verified: {
    refused: ['', 'false', 'TRUE', '1', 'yes', 'true,true', 'true\0'],
    outcomes: [
      ['true', { 'user-verified': 'true' }, 'met'],
      ['true', { 'user-verified': 'false' }, 'forbidden'],
      ['true', { 'user-verified': 'TRUE' }, 'forbidden']
    ],
    lacking: 'forbidden'
  },
  anonymous: {
    refused: ['', 'true', 'False', '0', 'false,false'],
    outcomes: [['false', { 'user-anonymous': 'false' }, 'met'], ['false', { 'user-anonymous': 'true' }, 'forbidden']],
    lacking: 'forbidden'
  },
  max_age: {
    refused: [
      '', '0', '-1', '+1', '1.5', '1e3', '0x10', '007', '1000000000', 'Infinity', 'NaN', ' 5', '5s', '5,6', '5\n'
    ],
    outcomes: [
      ['100', { 'session-authenticated-at': at(100) }, 'met'],
      ['99', { 'session-authenticated-at': at(100) }, stepUp(99)],
      ['1', { 'session-authenticated-at': at(-300) }, 'met'],
      ['999999999', { 'session-authenticated-at': at(-301) }, stepUp(999_999_999)],
      ['999999999', { 'session-authenticated-at': 'now' }, stepUp(999_999_999)],
      ['999999999', { 'session-authenticated-at': '-1' }, stepUp(999_999_999)],
      ['999999999', { 'session-authenticated-at': `x${at(1)}` }, stepUp(999_999_999)],
      ['999999999', { 'session-authenticated-at': `${at(1)}x` }, stepUp(999_999_999)],
      ['999999999', { 'session-authenticated-at': ' ' }, stepUp(999_999_999)],
      ['999999999', { 'session-authenticated-at': '1799999999999999' }, stepUp(999_999_999)]
    ],
    lacking: stepUp(5)
  },
  login: {
    refused: ['', 'on', 'OFF', '0', 'off,off'], outcomes: [['off', {}, 'met']], lacking: 'met', login: 'offer'
  },
  identity: {
    refused: ['', 'none', 'Remote', 'remote,webauth', 'remote ', 'x-user', 'remote\0'],
    outcomes: [['remote', {}, 'met'], ['forwarded', {}, 'met'], ['webauth', {}, 'met']],
    lacking: 'met'
  },
  audience: {
    refused: ['', 'a b', 'a,b', 'a/b', 'https://a', 'é', long(101), 'a%62', 'a\n', '"'],
    outcomes: [['grafana', {}, 'met'], ['app.example.com:8443', {}, 'met'], [long(100), {}, 'met']],
    lacking: 'met'
  },
  name: {
    refused: ['', 'a b', 'a,b', 'a/b', '<b>', 'é', long(61), 'a%62', 'a\n', '"'],
    outcomes: [['Finance_reports', {}, 'met'], [long(60), {}, 'met']],
    lacking: 'met'
  }
}

/** A value of each parameter that is understood; the one of `lacking`. */
const USUAL = {
  role: 'admin',
  user: 'someone',
  amr: 'mfa',
  verified: 'true',
  anonymous: 'false',
  max_age: '5',
  login: 'off',
  identity: 'remote',
  audience: 'grafana',
  name: 'Finance'
} as const

function requirementOf (name: keyof typeof PERSON_PARAMETERS, value: string): PersonRequirement {
  const read = PERSON_PARAMETERS[name].parse(value)
  if ('why' in read) throw new Error(`${name}=${value}: ${read.why}`)
  return read
}

function personal ({ requirements }: Policy & { kind: 'understood' }): readonly PersonRequirement[] {
  return requirements.filter((one): one is PersonRequirement => one.kind === 'person')
}

const encoded = (value: string): string =>
  [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

for (const name of Object.keys(CASES) as Array<keyof typeof CASES>) {
  const { refused, outcomes, lacking, login } = CASES[name]

  t.test(`${name}: an identity meets it or does not`, async (t) => {
    for (const [value, identity, outcome] of outcomes) {
      const { meets } = requirementOf(name, value)
      t.strictSame(meets(identityOf(identity), NOW), outcome, JSON.stringify([value, identity]))
    }
  })

  t.test(`${name}: what the identity lacks counts against the user`, async (t) => {
    const { meets } = requirementOf(name, USUAL[name])
    const empty = identityOf(Object.fromEntries(
      ['anonymous', 'verified', 'roles'].map((field) => [`user-${field}`, ''])
        .concat(['amr', 'authenticated-at'].map((field) => [`session-${field}`, '']))
    ))
    t.strictSame(meets(empty, NOW), lacking, 'empty values')
    t.strictSame(meets(identityOf().map(() => undefined), NOW), lacking, 'no values')
    t.strictSame(meets([], NOW), lacking, 'nothing at all')
  })

  t.test(`${name}: a wrong value is bad, and the reason names the parameter only`, async (t) => {
    for (const value of refused) {
      const read = PERSON_PARAMETERS[name].parse(value)
      if (!('why' in read)) t.fail(JSON.stringify(value))
      else t.match(read.why, new RegExp(`^${name} [a-z0-9_ ]+$`), JSON.stringify(value))
    }
  })

  t.test(`${name}: an encoded value means the same, and one encoded twice is bad`, async (t) => {
    for (const [value, identity, outcome] of outcomes) {
      for (const escaped of [encoded(value), encoded(value).toUpperCase()]) {
        const policy = parsePolicy(`${name}=${escaped}`)
        if (policy.kind === 'bad') throw new Error(`${name}=${escaped}: ${policy.why}`)
        t.strictSame(personal(policy).map(({ meets }) => meets(identityOf(identity), NOW)), [outcome], escaped)
      }
      t.equal(parsePolicy(`${name}=${encoded(encoded(value))}`).kind, 'bad', 'twice')
    }
    for (const value of refused) t.equal(parsePolicy(`${name}=${encoded(value)}`).kind, 'bad', JSON.stringify(value))
  })

  t.test(`${name}: says what a login can do about it, alone and joined`, async (t) => {
    t.equal(requirementOf(name, USUAL[name]).login, login)
    const joined = joinPolicies([parsePolicy('verified=true'), parsePolicy(`${name}=${USUAL[name]}`)])
    t.ok(joined.kind === 'understood' && personal(joined).some((one) => one.login === login))
  })
}

/** Of each parameter about tokens: values that are understood, and ones that are not. */
const OF_TOKENS: Readonly<Record<keyof typeof TOKEN_PARAMETERS, readonly [understood: string[], refused: string[]]>> = {
  resource: [
    ['https://api.example.com/mcp', `https://${long(1024)}`],
    ['', 'https://', 'http://a.example', 'xhttps://a.example', 'https://a.example"', 'https://a b', `https://${long(1025)}`]
  ],
  scope: [['read:orders', 'a,b', long(256)], ['', 'a,', 'a b', '"a', 'a"', 'a\\', 'é', long(257)]],
  client: [['app_1', 'a,"b"', long(256)], ['', 'a,', 'a b', ' a', 'é', long(257)]]
}

t.test('what is asked of a token is read, and no session meets it', async (t) => {
  for (const [name, [understood, refused]] of Object.entries(OF_TOKENS)) {
    for (const value of understood) {
      const decision = decide(validResolution(), parsePolicy(`${name}=${value}`), NO_RULES, NOW)
      t.match([parsePolicy(`${name}=${value}`), decision], [{ kind: 'understood' }, { reason: 'bad_policy' }], name)
    }
    for (const value of refused) t.equal(parsePolicy(`${name}=${value}`).kind, 'bad', `${name}=${value.slice(0, 30)}`)
  }
})

t.test('a token needs one value of a list', async (t) => {
  const grant = { audience: ['https://a.example', 'https://b.example'], clientId: 'two', scopes: ['x', 'read'] }
  for (const [name, met, unmet] of [
    ['resource', 'https://b.example', 'https://b.example/'],
    ['scope', 'write,read', 'write,rea'],
    ['client', 'one,two', 'one,twoo']
  ] as const) {
    const meets = (value: string): unknown => {
      const [requirement] = [TOKEN_PARAMETERS[name].parse(value)]
      return 'meets' in requirement && requirement.meets(grant)
    }
    t.strictSame([meets(met), meets(unmet)], [true, false], name)
  }
})

t.test('an identity’s roles are read once, however many roles a policy names', async (t) => {
  const policy = parsePolicy(Array.from({ length: 700 }, (_, index) => `role=r${index}`).join('&'))
  if (policy.kind === 'bad') throw new Error(policy.why)
  const roles = Array.from({ length: 2000 }, (_, index) => `q${index}`).join(',')
  const identity = identityOf({ 'user-roles': roles })
  const split = t.capture(String.prototype, 'split', String.prototype.split)
  t.ok(personal(policy).every(({ meets }) => meets(identity, NOW) === 'forbidden'))
  t.equal(split().filter(({ receiver }) => String(receiver) === roles).length, 1)
})

t.test('a requirement or a parameter without its check does not compile', async () => {
  // @ts-expect-error `meets` is missing
  const requirement: PersonRequirement = { login: 'offer' }
  // @ts-expect-error what it parses cannot be checked
  const parameter: Parameter = { parse: () => ({ login: 'offer' }) }
  return [requirement, parameter]
})
