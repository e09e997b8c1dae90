/** What a route asks beyond a session (interface 2.3). It can only tighten: no text makes a policy allow more. */
export type Rules = Readonly<{
  kind: 'rules'
  /** All of the groups; of each group one. */
  roles: ReadonlyArray<readonly string[]>
  amr: ReadonlyArray<readonly string[]>
  verified: boolean
  /** The user must not be anonymous. */
  notAnonymous: boolean
  /** Seconds since the user authenticated, at most. */
  maxAge: number | undefined
  /** Presentation only: no redirect to login. */
  loginOff: boolean
}>

/** `why` is for the log: it names what is wrong, never what a client may have sent. */
export type Policy = Rules | Readonly<{ kind: 'bad', why: string }>

/** Characters of one text; no route needs more, and a client may be its author. */
const MAX_LENGTH = 8192
const ROLE = /^[a-zA-Z_][a-zA-Z0-9:_]{0,39}$/
const AMR = /^[a-zA-Z0-9_.:-]{1,40}$/
const SECONDS = /^(?:0|[1-9][0-9]{0,8})$/

export const SESSION_ONLY: Rules = Object.freeze({ kind: 'rules', roles: [], amr: [], verified: false, notAnonymous: false, maxAge: undefined, loginOff: false })

/** @param text a query without its question mark, or one policy header's value; nothing in it is decoded */
export function parsePolicy (text: string): Policy {
  if (text === '') return SESSION_ONLY
  if (text.length > MAX_LENGTH) return bad('it is longer than 8 KiB')
  return all(text.split('&').map(parseParameter))
}

/** @returns the policy that allows what all of them allow; in time linear in their length, since a client may be their author */
export function all (policies: readonly Policy[]): Policy {
  const rules: Rules[] = []
  for (const policy of policies) {
    if (policy.kind === 'bad') return policy
    rules.push(policy)
  }
  const ages = rules.flatMap(({ maxAge }) => maxAge ?? [])
  return {
    kind: 'rules',
    roles: rules.flatMap(({ roles }) => roles),
    amr: rules.flatMap(({ amr }) => amr),
    verified: rules.some(({ verified }) => verified),
    notAnonymous: rules.some(({ notAnonymous }) => notAnonymous),
    maxAge: ages.length === 0 ? undefined : Math.min(...ages),
    loginOff: rules.some(({ loginOff }) => loginOff)
  }
}

function parseParameter (parameter: string): Policy {
  const equals = parameter.indexOf('=')
  return equals === -1 ? bad('a parameter has no value') : parseNamed(parameter.slice(0, equals), parameter.slice(equals + 1))
}

/** A closed set: what is not named here is not understood, and refuses. */
function parseNamed (name: string, value: string): Policy {
  switch (name) {
    case 'role': return anyOf(value, ROLE, 'role', (roles) => ({ roles: [roles] }))
    case 'amr': return anyOf(value, AMR, 'amr', (amr) => ({ amr: [amr] }))
    case 'verified': return exactly(value, 'true', 'verified', { verified: true })
    case 'anonymous': return exactly(value, 'false', 'anonymous', { notAnonymous: true })
    case 'max_age': return SECONDS.test(value) ? { ...SESSION_ONLY, maxAge: Number(value) } : bad('max_age is not a number of seconds')
    case 'login': return exactly(value, 'off', 'login', { loginOff: true })
    default: return bad('it has a parameter that is not known')
  }
}

function anyOf (value: string, grammar: RegExp, name: string, rule: (values: readonly string[]) => Partial<Rules>): Policy {
  const values = value.split(',')
  return values.every((item) => grammar.test(item)) ? { ...SESSION_ONLY, ...rule(values) } : bad(`${name} has a value that cannot be one`)
}

function exactly (value: string, only: string, name: string, rule: Partial<Rules>): Policy {
  return value === only ? { ...SESSION_ONLY, ...rule } : bad(`${name} takes ${only} and nothing else`)
}

function bad (why: string): Policy {
  return { kind: 'bad', why }
}
