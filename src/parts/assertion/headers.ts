import type { Choice } from '../../base/core/presentation.ts'
import { AT } from '../../base/core/resolution.ts'
import type { HeaderContributor, Known } from '../../base/identity/presenter.ts'
import { ASSERTION_HEADER, type Assertions, type AssertionSubject } from './types.ts'

/** An assertion for the audience that the route names. */
export function createHeaders ({ sign }: Assertions): HeaderContributor {
  return {
    names: [ASSERTION_HEADER],
    route: ({ audience }) => audience.kind === 'contradiction'
      ? undefined
      : (known) => {
          const assertion = sign(subjectOf(known), audienceOf(audience))
          if (assertion === undefined) return undefined
          const { token, issuedAt, renewAt } = assertion
          return { values: [token], lasts: { from: issuedAt, until: renewAt } }
        }
  }
}

const audienceOf = (choice: Choice<string>): string | undefined => choice.kind === 'named' ? choice.value : undefined

function subjectOf (
  { admitted: { userId, identity, credentials, grant }, profile: { email, name }, session }: Known
): AssertionSubject {
  const roles = identity.at(AT.roles) ?? ''
  const own = session === undefined ? {} : { session }
  return { userId, roles: roles === '' ? [] : roles.split(','), email, name, grant, credentials, ...own }
}
