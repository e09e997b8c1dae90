import type { Identity, Resolution } from './resolution.ts'
import type { EpochMs } from './token-expiry.ts'

/**
 * What a route asks beyond a session (docs/interface.md, "Policies"). It can only tighten: no text makes a policy allow
 * more.
 */
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

export const SESSION_ONLY: Rules = Object.freeze({
  kind: 'rules',
  roles: [],
  amr: [],
  verified: false,
  notAnonymous: false,
  maxAge: undefined,
  loginOff: false
})

/** @param text a query without its question mark, or one policy header's value; nothing in it is decoded */
export function parsePolicy (text: string): Policy {
  if (text === '') return SESSION_ONLY
  if (text.length > MAX_LENGTH) return bad('it is longer than 8 KiB')
  return all(text.split('&').map(parseParameter))
}

/**
 * @returns the policy that allows what all of them allow; in time linear in their length, since a client may be their
 * author
 */
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
  return equals === -1
    ? bad('a parameter has no value')
    : parseNamed(parameter.slice(0, equals), parameter.slice(equals + 1))
}

/** A closed set: what is not named here is not understood, and refuses. */
function parseNamed (name: string, value: string): Policy {
  switch (name) {
    case 'role':
      return anyOf(value, ROLE, 'role', (roles) => ({ roles: [roles] }))
    case 'amr':
      return anyOf(value, AMR, 'amr', (amr) => ({ amr: [amr] }))
    case 'verified':
      return exactly(value, 'true', 'verified', { verified: true })
    case 'anonymous':
      return exactly(value, 'false', 'anonymous', { notAnonymous: true })
    case 'max_age':
      return SECONDS.test(value)
        ? { ...SESSION_ONLY, maxAge: Number(value) }
        : bad('max_age is not a number of seconds')
    case 'login':
      return exactly(value, 'off', 'login', { loginOff: true })
    default:
      return bad('it has a parameter that is not known')
  }
}

function anyOf (
  value: string,
  grammar: RegExp,
  name: string,
  rule: (values: readonly string[]) => Partial<Rules>
): Policy {
  const values = value.split(',')
  return values.every((item) => grammar.test(item))
    ? { ...SESSION_ONLY, ...rule(values) }
    : bad(`${name} has a value that cannot be one`)
}

function exactly (value: string, only: string, name: string, rule: Partial<Rules>): Policy {
  return value === only ? { ...SESSION_ONLY, ...rule } : bad(`${name} takes ${only} and nothing else`)
}

function bad (why: string): Policy {
  return { kind: 'bad', why }
}

/** What a client could do to be let in (RFC 9470). */
export type Challenge = Readonly<{ maxAge: number | undefined, amr: readonly string[] }>

export type Decision =
  | Readonly<{ kind: 'allow', resolution: Resolution & { kind: 'valid' } }>
  | Readonly<{ kind: 'refuse', reason: 'invalid_session' | 'bad_policy' | 'forbidden' }>
  | Readonly<{ kind: 'refuse', reason: 'step_up_required', challenge: Challenge }>

/** Places in IDENTITY_HEADERS; by index, since taking an array apart costs an iterator at each request. */
const AT = { anonymous: 2, verified: 3, roles: 4, amr: 5, authenticatedAt: 6 } as const
/** How far Authgear's clock may be ahead of this machine's, in milliseconds. */
const MAX_AHEAD = 5 * 60_000

const refuse = (reason: 'invalid_session' | 'bad_policy' | 'forbidden'): Decision =>
  Object.freeze({ kind: 'refuse', reason })
const INVALID = refuse('invalid_session')
const BAD_POLICY = refuse('bad_policy')
const FORBIDDEN = refuse('forbidden')

/** Made anew on every request, after the cache; starts from denied. A stranger learns nothing about the policy. */
export function decide (resolution: Resolution, policy: Policy, now: EpochMs): Decision {
  if (resolution.kind !== 'valid') return INVALID
  if (policy.kind !== 'rules') return BAD_POLICY
  if (policy === SESSION_ONLY) return { kind: 'allow', resolution } // most routes, and no identity to read
  const { identity } = resolution
  const challenge = challengeOf(identity, policy, now)
  if (challenge !== undefined) return { kind: 'refuse', reason: 'step_up_required', challenge }
  return isPermitted(identity, policy) ? { kind: 'allow', resolution } : FORBIDDEN
}

/** What is missing counts against the person: not verified, anonymous, no role. Only what is asked for is read. */
function isPermitted (identity: Identity, policy: Rules): boolean {
  if (policy.verified && identity[AT.verified] !== 'true') return false
  if (policy.notAnonymous && identity[AT.anonymous] !== 'false') return false
  if (policy.roles.length === 0) return true
  const own = (identity[AT.roles] ?? '').split(',')
  return policy.roles.every((group) => group.some((role) => own.includes(role)))
}

function challengeOf (identity: Identity, policy: Rules, now: EpochMs): Challenge | undefined {
  const missing = policy.amr.length === 0 ? policy.amr : missingOf(identity, policy)
  const fresh = policy.maxAge === undefined || isFresh(authenticatedAt(identity), policy.maxAge, now)
  if (fresh && missing.length === 0) return undefined
  return { maxAge: fresh ? undefined : policy.maxAge, amr: [...new Set(missing.flat())] }
}

function missingOf (identity: Identity, policy: Rules): Rules['amr'] {
  const own = (identity[AT.amr] ?? '').split(' ')
  return policy.amr.filter((group) => !group.some((method) => own.includes(method)))
}

/** Milliseconds; not a number where it is missing or unreadable. */
function authenticatedAt (identity: Identity): number {
  const text = identity[AT.authenticatedAt] ?? ''
  return /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : NaN
}

/** Missing, unreadable or far in the future is not fresh. */
function isFresh (authenticatedAt: number, maxAge: number, now: EpochMs): boolean {
  return authenticatedAt - now <= MAX_AHEAD && now - authenticatedAt <= maxAge * 1000
}
