import t from 'tap'
import { joinPolicies, NO_RULES, parsePolicy, type Rules, understood } from '../../../../src/base/core/policy.ts'
import type { Facts } from '../../../../src/base/core/requirement.ts'
import type { ResourceToken } from '../../../../src/base/core/resource-token.ts'
import type { EpochMs } from '../../../../src/base/core/token-expiry.ts'
import { clientsOf, decideToken, namesClients, tokenNeedsOf } from '../../../../src/parts/tokens/policy.ts'
import { readResourceToken } from '../../../../src/parts/tokens/read-token.ts'
import { NOW } from '../../../helpers/jwt.ts'
import { machineClaims, personClaims } from '../../../helpers/token-issuer.ts'

const ISSUER = 'https://auth.example.com'
const USER = 'a11ce000-0000-4000-8000-000000000001'
const CLAIM = 'https://authgear.com/claims/user/'
const API = 'resource=https%3A%2F%2Fapi.example.com'
const OTHER = 'resource=https%3A%2F%2Fother.example.com'

function tokenOf (claims: Readonly<Record<string, unknown>>): ResourceToken {
  const reading = readResourceToken(claims, { issuer: ISSUER, maxAgeMs: 3_600_000 }, NOW)
  if (reading.kind !== 'token') throw new Error(reading.why)
  return reading.token
}

/** Client `machine`, scope `read:orders`; client `agent` for an admin who signed in now, with the same scope. */
const MACHINE = tokenOf(machineClaims(ISSUER, NOW))
const PERSON = tokenOf(personClaims(ISSUER, NOW, USER))
const ALICE: Facts = { address: { local: 'alice', domain: 'example.com' }, groups: ['staff'] }

type Case = Readonly<{ rules?: Rules, facts?: Facts | 'unknown', now?: number }>
function said (token: ResourceToken, policy: string, { rules = NO_RULES, facts, now = NOW }: Case = {}): string {
  const decision = decideToken(token, parsePolicy(policy), rules, now as EpochMs, facts)
  return decision.kind === 'refuse' ? decision.reason : decision.kind
}

function rulesOf (text: string): Rules {
  const policy = parsePolicy(text)
  if (policy.kind === 'bad') throw new Error(policy.why)
  return policy
}

/** A route, and what becomes of a machine's and of a person's token. */
const ROWS: ReadonlyArray<readonly [policy: string, machine: string, person: string]> = [
  ['', 'bad_policy', 'bad_policy'],
  ['rolle=admin', 'bad_policy', 'bad_policy'],
  ['scope=read:orders&client=machine,agent', 'bad_policy', 'bad_policy'],
  [API, 'allow', 'allow'],
  [OTHER, 'wrong_audience', 'wrong_audience'],
  [`${API}&${OTHER}`, 'wrong_audience', 'wrong_audience'],
  [`${OTHER}&${API}`, 'wrong_audience', 'wrong_audience'],
  [`${API}&scope=read:orders`, 'allow', 'allow'],
  [`${API}&scope=write:orders,read:orders`, 'allow', 'allow'],
  [`${API}&scope=write:orders`, 'insufficient_scope', 'insufficient_scope'],
  [`${API}&scope=write:orders&scope=read:orders`, 'insufficient_scope', 'insufficient_scope'],
  [`${API}&client=machine`, 'allow', 'wrong_client'],
  [`${API}&client=ci,agent`, 'wrong_client', 'allow'],
  [`${API}&client=agent,machine&client=machine`, 'allow', 'wrong_client'],
  [`${API}&role=admin`, 'forbidden', 'allow'],
  [`${API}&role=owner`, 'forbidden', 'forbidden'],
  [`${API}&user=${USER}`, 'forbidden', 'allow'],
  [`${API}&verified=true`, 'forbidden', 'allow'],
  [`${API}&max_age=60`, 'forbidden', 'allow'],
  [`${API}&amr=mfa`, 'forbidden', 'step_up_required'],
  [`${API}&login=off&name=Orders`, 'allow', 'allow'],
  [`${API}&email=alice@example.com`, 'forbidden', 'ask'],
  [`${API}&group=staff`, 'forbidden', 'ask'],
  // what is said first, where several are lacking
  [`${OTHER}&client=ci&scope=write:orders&role=owner`, 'wrong_audience', 'wrong_audience'],
  [`${API}&client=ci&scope=write:orders&role=owner`, 'wrong_client', 'wrong_client'],
  [`${API}&scope=write:orders&role=owner`, 'forbidden', 'forbidden'],
  [`${API}&scope=write:orders&amr=mfa`, 'forbidden', 'step_up_required'],
  [`${API}&scope=write:orders&group=staff`, 'forbidden', 'ask']
]

t.test('a token has its audience, client and scopes, and meets the rules for people', async (t) => {
  for (const [policy, machine, person] of ROWS) {
    t.strictSame([said(MACHINE, policy), said(PERSON, policy)], [machine, person], policy)
  }
})

t.test('ALLOW is for people: a machine passes by its client and scope', async (t) => {
  const rules = rulesOf('role=owner')
  t.strictSame([said(MACHINE, API, { rules }), said(PERSON, API, { rules })], ['allow', 'forbidden'])
  t.equal(said(PERSON, API, { rules: rulesOf('role=admin') }), 'allow')
})

t.test('what a person is known by decides, and a scope helps only where all else is met', async (t) => {
  const staff = `${API}&group=staff`
  t.equal(said(PERSON, staff, { facts: ALICE }), 'allow')
  t.equal(said(PERSON, staff, { facts: { ...ALICE, groups: [] } }), 'forbidden')
  t.equal(said(PERSON, staff, { facts: 'unknown' }), 'unknown')
  t.equal(said(PERSON, `${staff}&scope=write:orders`, { facts: 'unknown' }), 'insufficient_scope', 'that is certain')
  t.equal(said(PERSON, `${staff}&scope=write:orders`, { facts: ALICE }), 'insufficient_scope')
  t.equal(said(PERSON, `${staff}&scope=write:orders`, { facts: { ...ALICE, groups: [] } }), 'forbidden')
  t.equal(said(MACHINE, staff, { facts: ALICE }), 'forbidden', 'a machine has no group, whatever is known')
  const mail = `${API}&email_domain=example.com`
  t.strictSame([said(PERSON, mail, { facts: ALICE }), said(MACHINE, mail, { facts: ALICE })], ['allow', 'forbidden'])
})

t.test('the lacking fact and the step-up are said', async (t) => {
  const decide = (policy: string, facts?: Facts) => decideToken(PERSON, parsePolicy(policy), NO_RULES, NOW, facts)
  t.match(decide(`${API}&group=boss`, ALICE), { reason: 'forbidden', lack: 'group' })
  const challenge = { maxAge: 60, amr: ['mfa'] }
  t.match(decide(`${API}&amr=mfa&max_age=60`), { challenge: { maxAge: undefined, amr: ['mfa'] } })
  t.match(decideToken(PERSON, parsePolicy(`${API}&amr=mfa&max_age=60`), NO_RULES, NOW + 61_000 as EpochMs), { challenge })
  t.equal(said(PERSON, `${API}&max_age=60`, { now: NOW + 61_000 }), 'step_up_required')
})

t.test('a person without a claim about them meets no rule about it', async (t) => {
  const stranger = tokenOf(personClaims(ISSUER, NOW, USER, {
    [`${CLAIM}roles`]: undefined, [`${CLAIM}is_verified`]: undefined, auth_time: undefined
  }))
  for (const rule of ['role=admin', 'verified=true']) t.equal(said(stranger, `${API}&${rule}`), 'forbidden', rule)
  t.equal(said(stranger, `${API}&max_age=60`), 'step_up_required')
})

t.test('a route needs its resources, and the first of scopes of which one is enough', async (t) => {
  const needs = (policy: string) => tokenNeedsOf(parsePolicy(policy))
  t.strictSame(needs(`${API}&scope=a,b&scope=c&client=ci&role=x`), {
    resources: ['https://api.example.com'], scopes: ['a', 'c']
  })
  t.strictSame(needs(`${API}&${API}&${OTHER}&scope=a&scope=a,b`), {
    resources: ['https://api.example.com', 'https://other.example.com'], scopes: ['a']
  })
  for (const policy of ['rolle=x', 'role=x', '']) t.strictSame(needs(policy), { resources: [], scopes: [] }, policy)
})

t.test('the clients of a route are those that each of its policies names', async (t) => {
  const clients = (...policies: readonly string[]) => {
    const policy = joinPolicies(policies.map(parsePolicy))
    return policy.kind === 'bad' ? undefined : [namesClients(policy), clientsOf(policy)]
  }
  t.strictSame(clients(API), [false, undefined])
  t.strictSame(clients(`${API}&scope=a`), [false, undefined])
  t.strictSame(clients(`${API}&client=a,b`), [true, ['a', 'b']])
  t.strictSame(clients('client=a,b,c', 'client=c,b', 'client=b,a'), [true, ['b']])
  t.strictSame(clients('client=a', 'client=b'), [true, []])
  t.strictSame([namesClients(understood([])), clientsOf(understood([]))], [false, undefined])
})
