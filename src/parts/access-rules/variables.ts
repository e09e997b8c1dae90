import { type Kind, parsed, type Parsed, problem, quote, type Variables } from '../../base/config/kind.ts'
import { withoutNames } from '../../base/core/policy-names.ts'
import { parseParameter, type Rules, understood } from '../../base/core/policy.ts'
import type { FactRequirement, PersonRequirement, Requirement } from '../../base/core/requirement.ts'

/** Says in words that everybody who can register may enter. */
const ANYONE = 'anyone'
const OF_A_ROUTE = 'belongs into the policy of a route, not in here'
/** An address or a domain alone. */
const BARE = /^([^=@]*)@([^=@]+)$/
const ADVICE = `write requirements such as role=staff, separated by blanks, or ${ANYONE}`

/** Requirements in the grammar of policies, separated by blanks or line feeds: a shell would cut them at `&`. */
const rules: Kind<Rules> = Object.freeze({
  accepts: `requirements on people, as policies have them, separated by blanks; or \`${ANYONE}\``,
  parse (text: string): Parsed<Rules> {
    const items = text.split(/[ \t\r\n]+/).filter((item) => item !== '')
    if (items.length === 0) return problem(`is empty: ${ADVICE}, or leave it out`)
    if (items.includes(ANYONE)) {
      return items.length === 1 ? parsed(understood([]), ANYONE) : problem(`says ${ANYONE} and more: ${ADVICE}`)
    }
    const meant = items.flatMap(parameterMeant)[0]
    if (meant !== undefined) return problem(`${meant.text} is not a requirement: did you mean ${meant.by}?`)
    const read = items.map((item) => [item, parseParameter(item)] as const)
    for (const [item, one] of read) {
      const why = 'why' in one ? one.why : isAboutPeople(one) ? undefined : OF_A_ROUTE
      if (why !== undefined) return problem(`${quote(withoutNames(item))}: ${why}: ${ADVICE}`)
    }
    return parsed(understood(read.flatMap(([, one]) => 'why' in one ? [] : one)), items.map(withoutNames).join(' '))
  }
})

/** @returns what is meant by an address or a domain without the name of its parameter */
function parameterMeant (item: string): ReadonlyArray<Readonly<{ text: string, by: string }>> {
  const [, local, domain = ''] = BARE.exec(item) ?? []
  if (local === undefined) return []
  return [{ text: quote(item), by: local === '' ? `email_domain=${domain}` : `email=${item}` }]
}

/**
 * False for what only a token can meet, for what only changes what goes out or where a person is sent, and for what a
 * login cannot change: today's Authgear sends no amr, and everybody would go in circles.
 */
function isAboutPeople (one: Requirement): one is PersonRequirement | FactRequirement {
  return one.kind === 'fact' || (one.kind === 'person' && one.presents === undefined && one.login === undefined)
}

export const variables = {
  ALLOW: {
    as: 'rules',
    kind: rules,
    file: true,
    neverEmpty: true,
    example: 'role=staff',
    meaning:
      "Who may enter: requirements for every person on every endpoint, besides the route's policy " +
        '(docs/policies.md, "Who may enter"). `anyone`: everyone who can register. Machines are exempt.'
  }
} as const satisfies Variables
