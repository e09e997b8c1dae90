import { type Address, readAddress, readDomain } from './email.ts'
import { AT, type Identity } from './resolution.ts'
import type { EpochMs } from './token-expiry.ts'

/** Names under which apps of other gateways expect the user (docs/identity.md, "Sets of headers"). */
export const IDENTITY_SETS = ['remote', 'forwarded', 'webauth'] as const
export type IdentitySet = typeof IDENTITY_SETS[number]

/** The effect of a policy's parameter on what goes out; it changes no decision. `name`: on the page of a 403. */
type Presents = Readonly<{ identity?: IdentitySet, audience?: string, name?: string }>

/** A step that would let the client in (RFC 9470). */
export type Challenge = Readonly<{ maxAge: number | undefined, amr: readonly string[] }>

export type Outcome = 'met' | 'forbidden' | Readonly<{ stepUp: Challenge }>

/** One thing that a route asks beyond a session, or of a resource token. Without its check it does not compile. */
export type Requirement =
  PersonRequirement | FactRequirement | TokenRequirement | CallRequirement | MachineRequirement

/** About the person behind a session or a resource token. */
export type PersonRequirement = Readonly<{
  kind: 'person'
  /** A fact that the identity lacks counts against the user. */
  meets: (identity: Identity, now: EpochMs) => Outcome
  /** Presentation only. `offer`: no redirect to the login. `useless`: after a login the answer would be the same. */
  login?: 'offer' | 'useless'
  /** Presentation only, and met by everybody. */
  presents?: Presents
  /** True if it keeps self-registered users out. */
  restricts?: true
}>

/** The facts about a person beside the identity that may decide. */
export type Facts = Readonly<{
  /** The one that Authgear calls verified. */
  address: Address | undefined
  groups: readonly string[]
}>
export type FactName = 'email' | 'groups'
/** The settings by which a fact is known. */
export const SOURCE_OF: Readonly<Record<FactName, string>> = Object.freeze({
  email:
    'IDENTITY_PROFILE=email, with LOGIN_SESSION=own or AUTHGEAR_ADMIN_API_URL and without ' +
      'IDENTITY_UNVERIFIED_EMAIL=send',
  groups: 'IDENTITY_PROFILE=groups, with AUTHGEAR_ADMIN_API_URL'
})

/** The kind of fact that keeps a person out; the page of a 403 says it. */
export type Lack = 'verified_address' | 'allowed_address' | 'group'

export const lackOf = ({ about }: FactRequirement, { address }: Facts): Lack =>
  about === 'groups' ? 'group' : address === undefined ? 'verified_address' : 'allowed_address'

/** About the person, by what the resolver does not say. Nobody meets it before the facts are known. */
export type FactRequirement = Readonly<{ kind: 'fact', about: FactName, meets: (facts: Facts) => boolean }>

/** The facts of a resource token that a session does not have. */
type Grant = Readonly<{ audience: readonly string[], clientId: string, scopes: readonly string[] }>

export type TokenRequirement = Readonly<{
  kind: 'token'
  about: 'resource' | 'scope' | 'client'
  /** One of them is enough. */
  values: readonly string[]
  meets: (grant: Grant) => boolean
}>

/** What a route of resource tokens offers to machines; it asks nothing. `as`: the user that the app sees. */
type MachineRequirement = Readonly<{ kind: 'machine', basic?: true, as?: string }>

/** What a policy allows of calls of an MCP server; a list that is undefined allows none of its kind. */
export type CallRequirement = Readonly<{
  kind: 'call'
  tools?: readonly string[]
  resourceUris?: readonly string[]
  prompts?: readonly string[]
  /** Scopes that a resource token needs for a tool. */
  toolScopes?: ReadonlyArray<Readonly<{ tool: string, scope: string }>>
}>

/** `why` is for the log: it names what is wrong, and repeats nothing that a client may have sent. */
export type Bad = Readonly<{ kind: 'bad', why: string }>

export type Parameter<R extends Requirement = Requirement> = Readonly<{
  /** @param value percent-decoded */
  parse: (value: string) => R | Bad
}>

/** Indexes into IDENTITY_HEADERS; to destructure an array costs an iterator at each request. */
const ROLE = /^[a-zA-Z_][a-zA-Z0-9:_]{0,39}$/
/** Authgear's ids of users are UUIDs; others may name them otherwise. */
const USER = /^[a-zA-Z0-9_.:-]{1,128}$/
const AMR = /^[a-zA-Z0-9_.:-]{1,40}$/
/** RFC 6749, section 3.3, without the comma, which stands for "or" here. */
export const SCOPE = /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,256}$/
const CLIENT = /^[\x21-\x2b\x2d-\x7e]{1,256}$/
/** The endpoint decides whether this deployment has the resource. */
const RESOURCE = /^https:\/\/[\x21\x24-\x3b\x3d\x40-\x5b\x5d\x5f\x61-\x7a\x7e]{1,1024}$/
/** A tool or a prompt of an MCP server. */
export const TOOL = /^[A-Za-z0-9_./-]{1,128}$/
const URI = /^[\x21\x23-\x2b\x2d-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]{1,1024}$/
/** The name of an app: the assertion's `aud`. */
const AUDIENCE = /^[a-zA-Z0-9_.:-]{1,100}$/
/** The name of what a policy guards, for people: `_` is a blank on the page. */
const NAME = /^[a-zA-Z0-9_.:-]{1,60}$/
/** A user of the app's own, as it may stand in a header and in each proxy's file. */
const APP_USER = /^[a-zA-Z0-9_.-]{1,64}$/
/** Nobody signed in 0 seconds ago: a login would lead to the next one, without end. */
const SECONDS = /^[1-9][0-9]{0,8}$/
/** The most that Authgear's clock may be ahead of this machine's. */
const MAX_AHEAD_MS = 5 * 60_000

const readRoles = createListReader(',')
const readAmr = createListReader(' ')

/** Requirements on people. */
export const PERSON_PARAMETERS = {
  role: anyOf('role', ROLE, (roles) => ({
    kind: 'person',
    meets: (identity) => (hasOneOf(readRoles(identity.at(AT.roles)), roles) ? 'met' : 'forbidden'),
    restricts: true
  })),
  user: anyOf('user', USER, (list) => {
    const users = membersOf(list)
    return {
      kind: 'person',
      meets: (identity) => (users.has(identity.at(AT.userId) ?? '') ? 'met' : 'forbidden'),
      restricts: true
    }
  }),
  amr: anyOf('amr', AMR, (amr) => ({
    kind: 'person',
    meets: (identity) =>
      hasOneOf(readAmr(identity.at(AT.amr)), amr) ? 'met' : { stepUp: { maxAge: undefined, amr } },
    login: 'useless' // today's Authgear sends no amr
  })),
  verified: exactly('verified', 'true', {
    kind: 'person',
    meets: (identity) => (identity.at(AT.verified) === 'true' ? 'met' : 'forbidden')
  }),
  anonymous: exactly('anonymous', 'false', {
    kind: 'person',
    meets: (identity) => (identity.at(AT.anonymous) === 'false' ? 'met' : 'forbidden')
  }),
  max_age: {
    parse: (value) =>
      SECONDS.test(value) ? atMost(Number(value)) : bad('max_age is not a number of seconds from 1 on')
  },
  login: exactly('login', 'off', { kind: 'person', meets: () => 'met', login: 'offer' }),
  identity: {
    parse: (value) => {
      const identity = IDENTITY_SETS.find((name) => name === value)
      return identity === undefined ? bad(`identity takes ${IDENTITY_SETS.join(' or ')}`) : presenting({ identity })
    }
  },
  audience: {
    parse: (value) =>
      AUDIENCE.test(value) ? presenting({ audience: value }) : bad('audience has a value that cannot be one')
  },
  name: {
    parse: (value) => NAME.test(value) ? presenting({ name: value }) : bad('name has a value that cannot be one')
  }
} as const satisfies Readonly<Record<string, Parameter<PersonRequirement>>>

/** Requirements on people, by what Authgear's resolver does not say. */
const FACT_PARAMETERS = {
  email: listOf('email', readAddress, (addresses) => {
    const allowed = membersOf(addresses.map(textOf))
    return {
      kind: 'fact', about: 'email', meets: ({ address }) => address !== undefined && allowed.has(textOf(address))
    }
  }),
  email_domain: listOf('email_domain', readDomain, (list) => {
    const domains = membersOf(list)
    return { kind: 'fact', about: 'email', meets: ({ address }) => domains.has(address?.domain ?? '') }
  }),
  group: listOf('group', (value) => ROLE.test(value) ? value : undefined, (list) => {
    const groups = membersOf(list)
    return { kind: 'fact', about: 'groups', meets: (facts) => facts.groups.some((group) => groups.has(group)) }
  })
} as const satisfies Readonly<Record<string, Parameter<FactRequirement>>>

const textOf = ({ local, domain }: Address): string => `${local}@${domain}`

/** Requirements on a resource token. */
export const TOKEN_PARAMETERS = {
  resource: {
    parse: (value) =>
      RESOURCE.test(value)
        ? { kind: 'token', about: 'resource', values: [value], meets: ({ audience }) => audience.includes(value) }
        : bad('resource has a value that cannot be one')
  },
  scope: anyOf('scope', SCOPE, ofScopes),
  client: anyOf('client', CLIENT, (values) => ({
    kind: 'token', about: 'client', values, meets: ({ clientId }) => values.includes(clientId)
  }))
} as const satisfies Readonly<Record<string, Parameter<TokenRequirement>>>

/** What machines may do on a route of resource tokens. */
const MACHINE_PARAMETERS = {
  basic: {
    parse: (value) => value === 'on' ? { kind: 'machine', basic: true } : bad('basic takes on and nothing else')
  },
  as: {
    parse: (value) => APP_USER.test(value) ? { kind: 'machine', as: value } : bad('as has a value that cannot be one')
  }
} as const satisfies Readonly<Record<string, Parameter<MachineRequirement>>>

/** Requirements on the call of an MCP server; those of one policy are one requirement (`joinCalls`). */
const CALL_PARAMETERS = {
  tool: anyOf('tool', TOOL, (tools) => ({ kind: 'call', tools })),
  resource_uri: anyOf('resource_uri', URI, (resourceUris) => ({ kind: 'call', resourceUris })),
  prompt: anyOf('prompt', TOOL, (prompts) => ({ kind: 'call', prompts })),
  tool_scope: listOf('tool_scope', readToolScope, (toolScopes) => ({ kind: 'call', toolScopes }))
} as const satisfies Readonly<Record<string, Parameter<CallRequirement>>>

/** The closed set of docs/interface.md, "Policies": no other name is understood. */
export const PARAMETERS = {
  ...PERSON_PARAMETERS, ...FACT_PARAMETERS, ...TOKEN_PARAMETERS, ...CALL_PARAMETERS, ...MACHINE_PARAMETERS
}

/** A list in which commas mean "or", written as they are or as `%2C`: no value may hold one. */
function anyOf<R extends Requirement> (
  name: string,
  grammar: RegExp,
  requirement: (values: readonly string[]) => R
): Parameter<R> {
  return listOf(name, (item) => grammar.test(item) ? item : undefined, requirement)
}

/** The same, where a value is read into another form. */
function listOf<T, R extends Requirement> (
  name: string, read: (item: string) => T | undefined, requirement: (values: readonly T[]) => R
): Parameter<R> {
  return {
    parse (value) {
      const items = value.split(',')
      const values = items.map(read).filter((one) => one !== undefined)
      return values.length === items.length ? requirement(values) : bad(`${name} has a value that cannot be one`)
    }
  }
}

function exactly (name: string, only: string, requirement: PersonRequirement): Parameter<PersonRequirement> {
  return { parse: (value) => (value === only ? requirement : bad(`${name} takes ${only} and nothing else`)) }
}

function presenting (presents: Presents): PersonRequirement {
  return { kind: 'person', meets: () => 'met', presents }
}

function atMost (maxAge: number): PersonRequirement {
  return {
    kind: 'person',
    meets: (identity, now) =>
      isFresh(authenticatedAtMs(identity), maxAge, now) ? 'met' : { stepUp: { maxAge, amr: [] } }
  }
}

/** One of the scopes is enough. */
export function ofScopes (values: readonly string[]): TokenRequirement {
  return {
    kind: 'token', about: 'scope', values, meets: ({ scopes }) => values.some((scope) => scopes.includes(scope))
  }
}

/** `delete:admin`: the tool and its scope, which may hold colons. */
function readToolScope (item: string): Readonly<{ tool: string, scope: string }> | undefined {
  const colon = item.indexOf(':')
  const [tool, scope] = [item.slice(0, Math.max(colon, 0)), item.slice(colon + 1)]
  return TOOL.test(tool) && SCOPE.test(scope) ? { tool, scope } : undefined
}

export function bad (why: string): Bad {
  return { kind: 'bad', why }
}

type Members = Readonly<{ has: (value: string) => boolean }>

/** Remembers the last text: a client's query may name thousands of roles, and an identity may hold thousands. */
function createListReader (separator: string): (text: string | undefined) => Members {
  let last = ''
  let members: Members = membersOf([''])
  return (text = '') => {
    if (text !== last) {
      members = membersOf(text.split(separator))
      last = text
    }
    return members
  }
}

/** Few are compared one by one, which takes a quarter of the time that a Set of them takes to make. */
function membersOf (values: readonly string[]): Members {
  return values.length > 16 ? new Set(values) : { has: (value) => values.includes(value) }
}

function hasOneOf (own: Members, values: readonly string[]): boolean {
  return values.some((value) => own.has(value))
}

/** NaN if it is missing or unreadable. */
export function authenticatedAtMs (identity: Identity): number {
  const text = identity.at(AT.authenticatedAt) ?? ''
  return /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : NaN
}

/** Missing, unreadable or far in the future is not fresh. */
function isFresh (authenticatedAt: number, maxAge: number, now: EpochMs): boolean {
  return authenticatedAt - now <= MAX_AHEAD_MS && now - authenticatedAt <= maxAge * 1000
}
