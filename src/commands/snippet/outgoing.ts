import { ASSERTION_HEADER } from '../../assertion/types.ts'
import { identityHeaders } from '../../config/parsers/identity.ts'
import { parsePolicy } from '../../core/policy.ts'
import { presentationOf } from '../../core/presentation.ts'
import { SETS } from '../../identity/sets.ts'
import { canonical, lower } from './settings.ts'

export type GivenIdentity = Readonly<{
  /** As IDENTITY_HEADERS takes it. */
  text: string | undefined
  assertion: boolean
  /** Of every route: `identity=` names a set too. */
  policies: readonly string[]
}>

/** Every name in use beside Authgear's own, each once: what a route does not choose is stripped there all the same. */
export function readOutgoing ({ text, assertion, policies }: GivenIdentity, errors: string[]): readonly string[] {
  const names = [
    ...text === undefined ? [] : readNames(text, errors),
    ...policies.flatMap(namesOfPolicy),
    ...assertion ? [canonical(ASSERTION_HEADER)] : []
  ]
  return names.filter((name, i) => lower(names).indexOf(name.toLowerCase()) === i)
}

function readNames (text: string, errors: string[]): readonly string[] {
  const read = identityHeaders.parse(text, () => '')
  if (read.kind === 'problem') {
    errors.push(`--identity ${read.problem}`)
    return []
  }
  return read.value.all.map(({ name }) => name)
}

function namesOfPolicy (policy: string): readonly string[] {
  const { identity } = presentationOf(parsePolicy(policy))
  return identity.kind === 'named' ? SETS[identity.value].map(({ name }) => name) : []
}
