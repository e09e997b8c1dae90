import t from 'tap'
import { parsePolicy } from '../../../src/base/core/policy.ts'
import { isForSessions, withoutTokenRequirements } from '../../../src/base/core/token-policy.ts'

/** A policy, whether sessions may meet it, and the kinds of requirements that are left for them. */
const ROWS: ReadonlyArray<readonly [policy: string, isForSessions: boolean, left: readonly string[]]> = [
  ['', true, []],
  ['role=a', true, ['person']],
  ['tool=read', true, ['call']],
  ['resource=https://a.example&role=a', false, ['person']],
  ['scope=read', false, []],
  ['client=ci', false, []],
  ['basic=on&as=ci', false, []],
  ['tool=read&tool_scope=read:admin', false, ['call']]
]

t.test('what only a token can meet is not for sessions', async (t) => {
  for (const [text, isFor, left] of ROWS) {
    const policy = parsePolicy(text)
    t.equal(isForSessions(policy), isFor, text)
    const rest = withoutTokenRequirements(policy)
    t.strictSame(rest.kind === 'bad' ? [] : rest.requirements.map(({ kind }) => kind), left, text)
  }
})

t.test('without its scopes a tool of a policy is still the only one', async (t) => {
  const rest = withoutTokenRequirements(parsePolicy('tool=read&tool_scope=read:admin'))
  t.match(rest, { requirements: [{ kind: 'call', tools: ['read'], toolScopes: { length: 0 } }] })
  t.match(withoutTokenRequirements(parsePolicy('tool=read')), { requirements: [{ toolScopes: undefined }] })
})

t.test('a bad policy stays bad, for every endpoint to refuse', async (t) => {
  const bad = parsePolicy('rolle=a')
  t.ok(isForSessions(bad))
  t.equal(withoutTokenRequirements(bad), bad)
})
