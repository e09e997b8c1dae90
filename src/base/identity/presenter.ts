import type { Clock } from '../clock.ts'
import type { CredentialDigest, MemoryKey } from '../core/cache-key.ts'
import type { Credentials } from '../core/credentials.ts'
import { type Policy, SESSION_ONLY } from '../core/policy.ts'
import { type Choice, type Presentation, presentationOf } from '../core/presentation.ts'
import { type Identity, type UserId, valuesOf } from '../core/resolution.ts'
import type { EpochMs } from '../core/token-expiry.ts'
import { type Asker, NO_PROFILE, type Profile, type Profiles } from './profile.ts'
import { type GroupsSource, type IdentitySettings, valueOf } from './values.ts'
import { type IdentityField, SETS } from './sets.ts'

/** The headers of a 200 beside Authgear's own: flat name, value, …; empty where it is not known. */
export type Outgoing = readonly string[]

export const NOTHING: Outgoing = Object.freeze([])

/** The allowed user or client: by a session or by a resource token. */
export type Admitted = Readonly<{
  key: MemoryKey
  credentials: Credentials
  /** Undefined for a machine. */
  userId: UserId | undefined
  identity: Identity
  /** A revocation of one of them ends it. */
  digests: readonly CredentialDigest[]
  grant: Grant | undefined
}>

/** The grant of a resource token; `id` is its `jti`. */
type Grant = Readonly<{ clientId: string, scopes: readonly string[], id: string, expiresAt: EpochMs }>

/** Whose profile was waited for. */
export type KnownProfile = Readonly<{ of: UserId | undefined }>

/** A request that does not wait: without a profile in memory its headers are empty. */
export const NOT_AWAITED: KnownProfile = Object.freeze({ of: undefined })

type Presented = [admitted: Admitted, known?: KnownProfile, subject?: Asker['subject']]

export type Presenter = Readonly<{
  /**
   * The same object until something changes. On the first sight of a user a promise: judge the request again with what
   * it brings, since a revocation may have come meanwhile. Never rejects.
   * @param subject as an `Asker` has it
   */
  present: (...args: [policy: Policy, ...Presented]) => Outgoing | Promise<KnownProfile>
  /** The name by which people know this account, for that person alone; a promise as of `present`. */
  called: (...args: Presented) => string | undefined | Promise<KnownProfile>
  /** Every name, empty: for a 200 without an identity. */
  nobody: Outgoing
}>

/** Adds headers to each 200; their names go out on every one, empty where the route or the person has no value. */
export type HeaderContributor = Readonly<{
  /** In lower case. */
  names: readonly string[]
  /** Called once for a route. @returns what makes a value for each name; undefined: none on this route */
  route: (presentation: Presentation) => Give | undefined
  /** Names sessions to the app of a route, for all contributors alike. Called once for a route, too. */
  session?: (presentation: Presentation) => NameSession | undefined
}>
type NameSession = (admitted: Admitted) => string
/** Undefined: there is no value yet. It goes out empty, and nothing of the answer is kept. */
type Give = (known: Known) => Contribution | undefined
export type Known = Readonly<{
  admitted: Admitted
  profile: Profile
  /** As a contributor names it; undefined where none does. */
  session: string | undefined
  now: EpochMs
}>
/** `lasts`: from when until when they may go out; undefined: for as long as nothing else changes. */
type Contribution = Readonly<{ values: readonly string[], lasts?: Lasts }>
type Lasts = Readonly<{ from: EpochMs, until: EpochMs }>

export type PresenterDeps = Readonly<{
  settings: IdentitySettings
  /** Undefined: no part knows users. */
  profiles: Pick<Profiles, 'of' | 'now' | 'knows'> | undefined
  /** The headers that parts add, in this order. */
  contributors?: readonly HeaderContributor[]
  clock: Clock
  /** Bytes that prepared values may take. */
  maxBytes: number
}>

/** The bytes of an entry: its list, its maps and the prepared answer with its head's names, without their values. */
const ENTRY_BYTES = 2200
/** A deployment has a handful; more come from clients whose query a proxy passes on. */
const MAX_SHAPES = 256
/** All values of an answer together: what does not fit goes out empty. No set holds more; proxies' buffers end. */
const MAX_VALUES_BYTES = 16 * 1024

/** A route's choice of headers, with what is prepared for it. */
type Shape = Readonly<{
  /** Every name that goes out, and what it holds; undefined: nothing on this route. */
  headers: ReadonlyArray<Readonly<{ name: string, field: IdentityField | undefined }>>
  /** A machine's user at the app of this route. */
  machineUser: string | undefined
  nameSession: NameSession | undefined
  contributed: ReadonlyArray<Readonly<{ names: readonly string[], give: Give | undefined }>>
  prepared: Map<MemoryKey, Prepared>
}>

type Prepared = Readonly<{ identity: Identity, profile: Profile, lasts: readonly Lasts[], outgoing: Outgoing }>

/** Presentation only: the decision was made before. */
export function createPresenter (
  { settings, profiles, contributors = [], clock, maxBytes }: PresenterDeps
): Presenter {
  let bytes = 0
  const shown = { ...settings, groups: profiles?.knows.includes('groups') === true ? 'profile' : 'roles' } as const
  const shapes = createShapes({ settings, contributors }, () => { bytes = 0 })

  /** @returns `isWhole`: every contributor gave what it has for this route */
  function prepare (shape: Shape, admitted: Admitted, profile: Profile): Prepared & Readonly<{ isWhole: boolean }> {
    const given = contributionsOf(shape, { admitted, profile, now: clock.wall() })
    const known = outgoingOf(shape, admitted, profile, shown)
    const added = given.flatMap(({ names, values }) => names.flatMap((name, n) => [name, values?.[n] ?? '']))
    return {
      identity: admitted.identity,
      profile,
      lasts: given.flatMap(({ lasts }) => lasts ?? []),
      isWhole: given.every(({ values }) => values !== undefined),
      outgoing: [...known, ...added]
    }
  }
  function keep (shape: Shape, key: MemoryKey, prepared: Prepared): void {
    // an identity may live on here after the cache dropped it
    // its head holds each value once more
    const size = ENTRY_BYTES + 2 * (lengthOf(prepared.outgoing) + lengthOf(valuesOf(prepared.identity)))
    if (size > maxBytes) return
    if (bytes + size > maxBytes) shapes.forget()
    bytes += size // of what it replaces too: it is forgotten a little early
    shape.prepared.set(key, prepared)
  }

  function profileFor (
    { userId, identity }: Admitted, known: KnownProfile | undefined, subject: Asker['subject']
  ): Profile | Promise<Profile> {
    if (profiles === undefined || userId === undefined) return NO_PROFILE
    if (known?.of === userId) return profiles.now(userId) // it may have changed since
    const profile = profiles.of({ userId, identity, subject })
    return known !== undefined && profile instanceof Promise ? NO_PROFILE : profile // a request waits once
  }
  function outgoing (shape: Shape, admitted: Admitted, profile: Profile): Outgoing {
    const known = shape.prepared.get(admitted.key)
    if (known !== undefined && isCurrent(known, admitted, profile, clock)) return known.outgoing
    const { isWhole, ...prepared } = prepare(shape, admitted, profile)
    if (isWhole) keep(shape, admitted.key, prepared)
    return prepared.outgoing
  }

  return Object.freeze({
    nobody: emptyOf(shapes.usual),
    present (
      policy: Policy, admitted: Admitted, known?: KnownProfile, subject?: Asker['subject']
    ): Outgoing | Promise<KnownProfile> {
      const shape = shapes.of(policy)
      if (shape.headers.length === 0 && shape.contributed.length === 0) return NOTHING
      const { userId } = admitted
      const profile = profileFor(admitted, known, subject)
      return profile instanceof Promise
        ? profile.then(() => ({ of: userId as UserId }))
        : outgoing(shape, admitted, profile)
    },
    called (
      admitted: Admitted, known?: KnownProfile, subject?: Asker['subject']
    ): string | undefined | Promise<KnownProfile> {
      const { userId } = admitted
      if (userId === undefined) return undefined
      const profile = profileFor(admitted, known, subject)
      if (profile instanceof Promise) return profile.then(() => ({ of: userId }))
      return profile.email ?? profile.name ?? profile.username ?? shortId(userId)
    }
  })
}

type Given = Readonly<{ names: readonly string[], values?: readonly string[], lasts?: Lasts }>

function contributionsOf ({ contributed, nameSession }: Shape, known: Omit<Known, 'session'>): readonly Given[] {
  const session = nameSession?.(known.admitted)
  return contributed.map(({ names, give }) =>
    ({ names, ...give === undefined ? NO_VALUES : give({ ...known, session }) }))
}

const NO_VALUES: Contribution = Object.freeze({ values: [] })

type ShapeDeps = Readonly<{ settings: IdentitySettings, contributors: readonly HeaderContributor[] }>

/** @param forgotten what was prepared for all of them is gone */
function createShapes (deps: ShapeDeps, forgotten: () => void) {
  const usual = shapeOf(presentationOf(SESSION_ONLY), deps)
  const byName = new Map<string, Shape>()
  let byPolicy = new WeakMap<Policy, Shape>()

  function forget (): void {
    for (const { prepared } of [usual, ...byName.values()]) prepared.clear()
    byName.clear()
    byPolicy = new WeakMap()
    forgotten()
  }
  function shapeNamed (presentation: Presentation): Shape {
    const { identity, audience, as } = presentation
    const name = [identity, audience, as].map(nameOf).join(' ')
    const known = byName.get(name)
    if (known !== undefined) return known
    if (byName.size >= MAX_SHAPES) forget()
    const shape = shapeOf(presentation, deps)
    byName.set(name, shape)
    return shape
  }
  function of (policy: Policy): Shape {
    if (policy === SESSION_ONLY) return usual // most routes
    const known = byPolicy.get(policy)
    if (known !== undefined) return known
    const shape = shapeNamed(presentationOf(policy))
    byPolicy.set(policy, shape)
    return shape
  }
  return Object.freeze({ usual, of, forget })
}

/** Enough to tell one's accounts apart, and to be found by. */
const shortId = (userId: UserId): string => userId.length > 12 ? `${userId.slice(0, 8)}…` : userId

function lengthOf (texts: ReadonlyArray<string | undefined>): number {
  return texts.reduce<number>((sum, text) => sum + (text?.length ?? 0), 0)
}

function isCurrent (known: Prepared, { identity }: Admitted, profile: Profile, clock: Clock): boolean {
  if (known.identity !== identity || known.profile !== profile) return false
  if (known.lasts.length === 0) return true
  const now = clock.wall()
  return known.lasts.every(({ from, until }) => now >= from && now < until)
}

/** All names of the deployment and of the route's set; only those of the chosen set hold anything. */
function shapeOf (presentation: Presentation, { settings: { headers }, contributors }: ShapeDeps): Shape {
  const { identity, as } = presentation
  const chosen = identity.kind === 'named' ? SETS[identity.value] : identity.kind === 'default' ? headers.usual : []
  const fields = new Map(chosen.map(({ name, field }) => [name.toLowerCase(), field]))
  const names = new Set([...headers.all, ...chosen].map(({ name }) => name.toLowerCase()))
  return {
    headers: [...names].map((name) => ({ name, field: fields.get(name) })),
    machineUser: as.kind === 'named' ? as.value : undefined,
    nameSession: contributors.map(({ session }) => session?.(presentation)).find((one) => one !== undefined),
    contributed: contributors.map(({ names, route }) => ({ names, give: route(presentation) })),
    prepared: new Map()
  }
}

function nameOf (choice: Choice<string>): string {
  return choice.kind === 'named' ? choice.value : `(${choice.kind})`
}

function emptyOf ({ headers, contributed }: Shape): Outgoing {
  const names = [...headers.map(({ name }) => name), ...contributed.flatMap((one) => one.names)]
  return names.length === 0 ? NOTHING : names.flatMap((name) => [name, ''])
}

function outgoingOf (
  { headers, machineUser }: Shape,
  { userId, identity }: Admitted,
  profile: Profile,
  settings: IdentitySettings & Readonly<{ groups: GroupsSource }>
): Outgoing {
  const person = { userId, identity, profile }
  let left = MAX_VALUES_BYTES
  return headers.flatMap(({ name, field }) => {
    if (field === undefined) return [name, '']
    const value = field === 'user' && userId === undefined && machineUser !== undefined
      ? machineUser
      : valueOf(field, person, settings)
    if (value.length > left) return [name, '']
    left -= value.length
    return [name, value]
  })
}
