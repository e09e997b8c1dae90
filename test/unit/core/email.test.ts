import t from 'tap'
import { decide, parsePolicy, type Rules, SESSION_ONLY } from '../../../src/base/core/policy.ts'
import { readAddress } from '../../../src/base/core/email.ts'
import type { Facts } from '../../../src/base/core/requirement.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import { validResolution } from '../../helpers/identity.ts'

const NOW = 1_800_000_000_000 as EpochMs
const long = (count: number): string => 'x'.repeat(count)

/** A rule, addresses of users that meet it, and addresses that do not. */
const ADDRESSES: ReadonlyArray<readonly [rule: string, met: readonly string[], lacking: readonly string[]]> = [
  ['email=alice@example.com', ['alice@example.com', 'ALICE@Example.COM'], [
    'alice@example.org', 'alic@example.com', 'alice@example.com.evil.org', 'alice@mail.example.com', 'bob@example.com',
    'alice+x@example.com', 'a.lice@example.com', 'alice@evil.org@example.com', '"alice"@example.com',
    ' alice@example.com',
    'alice@example.com ', 'alice@example.com\0', 'alice@example.com.', 'alice@', '@example.com', 'alice', '',
    // full-width letters, a soft hyphen, the Kelvin sign, a dotless i, a zero-width space, a full-width at
    'ａlice@example.com', 'al­ice@example.com', 'alice@ｅxample.com', 'alıce@example.com', 'al​ice@example.com',
    'alice＠example.com', 'alice@example。com', 'alice@exam­ple.com'
  ]],
  ['email=kay@example.com', ['Kay@example.com'], ['\u212aay@example.com', 'kay@exam\u212ale.com']],
  ['email=a@example.com,b@example.com', ['a@example.com', 'b@example.com'], [
    'c@example.com', 'a@example.com,b@example.com'
  ]],
  ['email=first.last%2Btag@example.com', ['first.last+tag@example.com'], [
    'first.last@example.com', 'firstlast+tag@example.com'
  ]],
  ['email_domain=example.com', ['a@example.com', 'B@EXAMPLE.com', 'ä@example.com', `${long(242)}@example.com`], [
    'a@mail.example.com', 'a@notexample.com', 'a@example.com.evil.org', 'a@example.co', 'a@example.com@evil.org',
    'a@evil.org@example.com', '"a@example.com"@evil.org', 'a@exämple.com', 'example.com', '@example.com',
    `${long(243)}@example.com`,
    'a@example。com', 'a@ｅxample.com', 'a@[example.com]', 'a b@example.com'
  ]],
  ['email_domain=b%C3%BCcher.example', ['a@bücher.example', 'a@xn--bcher-kva.example', 'a@XN--BCHER-KVA.example'], [
    'a@bucher.example', 'a@buecher.example', 'a@ｂücher.example', 'a@bücher.example.org'
  ]],
  ['email_domain=xn--bcher-kva.example', ['a@bücher.example', 'a@xn--bcher-kva.example'], ['a@BÜCHER.example']],
  ['email_domain=a.example,b.example', ['x@a.example', 'x@b.example'], ['x@c.example', 'x@b.a.example']]
]

const withEmail = (email: string | undefined): Facts =>
  ({ address: email === undefined ? undefined : readAddress(email), groups: [] })

function outcome (rule: string, facts: Facts | 'unknown' | undefined): string {
  const policy = parsePolicy(rule)
  if (policy.kind === 'bad') return policy.why
  const decision = decide(validResolution(), SESSION_ONLY, policy, NOW, facts)
  return decision.kind === 'refuse' ? decision.reason : decision.kind
}

t.test('an address and a domain are compared as they are, but for A to Z', async (t) => {
  for (const [rule, met, lacking] of ADDRESSES) {
    for (const email of met) t.equal(outcome(rule, withEmail(email)), 'allow', `${rule}: ${email.slice(0, 40)}`)
    for (const email of lacking) t.equal(outcome(rule, withEmail(email)), 'forbidden', `${rule}: ${JSON.stringify(email)}`)
    t.equal(outcome(rule, withEmail(undefined)), 'forbidden', `${rule}: no address`)
    t.equal(outcome(rule, undefined), 'ask', `${rule}: not asked for yet`)
    t.equal(outcome(rule, 'unknown'), 'unknown', `${rule}: nobody knows`)
  }
})

t.test('a rule that no address can meet is not understood', async (t) => {
  for (const value of ['', ',', 'a@example.com,', 'alice', '@example.com', 'a@', 'a@b@c', 'a b@example.com',
    'a@exa mple.com',
    '"a"@example.com', `${long(250)}@example.com`, 'a%00@example.com', 'a@ｅxample.com']) {
    t.equal(parsePolicy(`email=${value}`).kind, 'bad', `email=${value.slice(0, 30)}`)
  }
  for (const value of ['', ',', '@example.com', 'a@example.com', 'example.com.', '.example.com', 'exa mple.com',
    '*.example.com',
    'example..com', 'ｅxample.com']) {
    t.equal(parsePolicy(`email_domain=${value}`).kind, 'bad', `email_domain=${value}`)
  }
  for (const value of ['', 'a,', '1a', 'a-b', 'a b', long(41)]) {
    t.equal(parsePolicy(`group=${value}`).kind, 'bad',
      value)
  }
})

t.test('groups are compared exactly, and one of a list is enough', async (t) => {
  const inGroups = (...groups: string[]): Facts => ({ address: undefined, groups })
  t.equal(outcome('group=staff,ops', inGroups('x', 'ops')), 'allow')
  for (const groups of [[], ['Staff'], ['staf'], ['staff2'], ['staff,ops']]) {
    t.equal(outcome('group=staff,ops', inGroups(...groups)), 'forbidden', groups.join())
  }
})

t.test('a certain requirement is judged before an unknown one', async (t) => {
  const DOMAIN = 'email_domain=example.com'
  t.equal(outcome(`${DOMAIN}&role=nobody`, 'unknown'), 'forbidden')
  t.equal(outcome(`${DOMAIN}&role=nobody`, undefined), 'forbidden', 'and nobody is asked')
  t.equal(outcome(`${DOMAIN}&amr=mfa`, 'unknown'), 'step_up_required')
  t.equal(outcome(`${DOMAIN}&role=admin`, 'unknown'), 'unknown')
  t.equal(outcome(`${DOMAIN}&group=ops`, { ...withEmail('a@example.com'), groups: [] }), 'forbidden')
  const rules = parsePolicy(DOMAIN) as Rules
  const both = (facts: Facts): string =>
    decide(validResolution(), parsePolicy('group=ops'), rules, NOW, facts).kind
  t.equal(both({ ...withEmail('a@example.com'), groups: ['ops'] }), 'allow', 'of the rules and of the route')
  t.equal(both({ ...withEmail('a@example.org'), groups: ['ops'] }), 'refuse')
})
