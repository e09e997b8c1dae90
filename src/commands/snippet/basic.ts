import { quote } from '../../base/config/kind.ts'
import { parsePolicy } from '../../base/core/policy.ts'
import { presentationOf } from '../../base/core/presentation.ts'
import { isForTokens, takesBasic } from './settings.ts'

const OFFERS = ['basic=', 'as='] as const
/** The innermost route chooses these, unlike what is asked: two different sets would be none. */
export const PRESENTS = ['identity=', 'audience=', 'name=', 'as='] as const

const isOneOf = (names: readonly string[], parameter: string): boolean =>
  names.some((name) => parameter.startsWith(name))
export const parametersOf = (policy: string): readonly string[] => policy.split('&')

/** False for a rule that only offers machines something: it belongs to the route of its resource. */
export const asksSessions = (policy: string): boolean =>
  !parametersOf(policy).some((one) => isOneOf(OFFERS, one)) ||
  parametersOf(policy).some((one) => !isOneOf([...OFFERS, ...PRESENTS], one))

/** @returns the policy without what a session has no use for */
export const withoutOffers = (policy: string): string => isForTokens(policy)
  ? policy
  : parametersOf(policy).filter((one) => !isOneOf(OFFERS, one)).join('&')

/**
 * What a rule with `basic=on` or `as=` lacks.
 * @param whole the rule with those around it @param sendsUser true if --identity names headers
 */
export function basicProblems (
  { path, policy }: Readonly<{ path: string, policy: string }>, whole: string, sendsUser: boolean
): readonly string[] {
  const [offers, says] = [presentationOf(parsePolicy(policy)).as.kind !== 'default', `--policy ${quote(path)}`]
  const { as, identity } = presentationOf(parsePolicy(whole))
  return [
    takesBasic(policy) && !isForTokens(whole) &&
      `${says}: basic=on needs a resource: --resource 'https://…${path === '/' ? '' : `=${path}`}' --scope NAME`,
    offers && !takesBasic(whole) && `${says}: as= has no effect without basic=on`,
    offers && as.kind === 'contradiction' && `${says} has two values of as=: leave one`,
    offers && identity.kind === 'default' && !sendsUser &&
      `${says}: as= needs a header for the user: add identity=remote, forwarded or webauth, or --identity`
  ].filter((problem) => problem !== false)
}
