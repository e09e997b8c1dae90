import type { Policy } from './policy.ts'

/** Names under which apps of other gateways expect the user (docs/identity.md, "Sets of headers"). */
export const IDENTITY_SETS = ['remote', 'forwarded', 'webauth'] as const
export type IdentitySet = typeof IDENTITY_SETS[number]

/** What a parameter of a policy says of what goes out; it changes no decision. */
export type Presents = Readonly<{ identity?: IdentitySet, audience?: string }>

/** A route that names two different ones gets none: its app sees nobody, whoever wrote the second. */
export type Choice<T> = Readonly<{ kind: 'default' } | { kind: 'named', value: T } | { kind: 'contradiction' }>

/** What goes out on a 200 beside Authgear's own headers, as the route chooses. */
export type Presentation = Readonly<{ identity: Choice<IdentitySet>, audience: Choice<string> }>

const DEFAULT = Object.freeze({ kind: 'default' })

export function presentationOf (policy: Policy): Presentation {
  if (policy.kind === 'bad') return { identity: DEFAULT, audience: DEFAULT }
  const presents = policy.requirements.flatMap((one) => (one.kind === 'person' && one.presents) || [])
  return {
    identity: choiceOf(presents.flatMap(({ identity }) => identity ?? [])),
    audience: choiceOf(presents.flatMap(({ audience }) => audience ?? []))
  }
}

function choiceOf<T> ([first, ...more]: readonly T[]): Choice<T> {
  if (first === undefined) return DEFAULT
  return more.every((value) => value === first) ? { kind: 'named', value: first } : { kind: 'contradiction' }
}
