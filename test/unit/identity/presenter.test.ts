import t from 'tap'
import type { MemoryKey } from '../../../src/base/core/cache-key.ts'
import { parsePolicy, type Policy, SESSION_ONLY } from '../../../src/base/core/policy.ts'
import type { EpochMs } from '../../../src/base/core/token-expiry.ts'
import {
  type Admitted, createPresenter, type HeaderContributor, type Known, NOTHING, type Outgoing
} from '../../../src/base/identity/presenter.ts'
import { NO_HEADERS, SETS } from '../../../src/base/identity/sets.ts'
import { NO_PROFILE, type Profile, type Profiles } from '../../../src/base/identity/profile.ts'
import { validResolution } from '../../helpers/identity.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

const ALL = { usual: SETS.remote, all: [...SETS.remote, ...SETS.webauth] }

function start ({
  headers = ALL, profiles, now = () => NO_PROFILE, withToken = false, maxBytes = 2 ** 20
}: Readonly<{
  headers?: typeof ALL | typeof NO_HEADERS
  profiles?: Profiles['of']
  /** What memory holds when a request is judged again. */
  now?: Profiles['now']
  withToken?: boolean
  maxBytes?: number
}> = {}) {
  const clock = manualClock()
  const given: Array<readonly [Known, string | undefined]> = []
  const state = { hasKey: true }
  const token: HeaderContributor = {
    names: ['x-token'],
    route: ({ audience }) => audience.kind === 'contradiction'
      ? undefined
      : (known) => {
          if (!state.hasKey) return undefined
          const name = audience.kind === 'named' ? audience.value : undefined
          const text = `${known.admitted.userId} ${name} ${given.push([known, name])}`
          return { values: [text], lasts: { from: known.now, until: known.now + 30_000 as EpochMs } }
        }
  }
  const presenter = createPresenter({
    settings: { headers, user: 'user_id', encoding: 'percent' },
    profiles: profiles && { of: profiles, now, knows: [] },
    contributors: withToken ? [token, names] : [],
    clock,
    maxBytes
  })
  return { presenter, clock, given, state }
}

/** Names a session, and says the name itself. */
const names: HeaderContributor = {
  names: ['x-session'],
  session: ({ audience }) => audience.kind === 'contradiction' ? undefined : ({ key }) => `${key} named`,
  route: () => ({ session }) => ({ values: [session ?? ''] })
}

function admitted (name = 'alice', key = `${name}'s`): Admitted {
  const { userId, identity } = validResolution({ 'user-id': name })
  return { key: key as MemoryKey, credentials: NO_CREDENTIALS, userId, identity, digests: [], grant: undefined }
}

const NO_CREDENTIALS = { bearer: undefined, appSession: undefined, appAccessToken: undefined, session: undefined }

function named (outgoing: Outgoing | Promise<unknown>): Record<string, string> {
  if (outgoing instanceof Promise) throw new Error('it waits')
  return Object.fromEntries(
    outgoing.flatMap((name, index) => (index % 2 === 0 ? [[name, outgoing[index + 1] ?? '']] : []))
  )
}

t.test('nothing goes out where nothing was asked for', async (t) => {
  const { presenter } = start({ headers: NO_HEADERS })
  t.equal(presenter.present(SESSION_ONLY, admitted()), NOTHING)
  t.equal(presenter.nobody, NOTHING)
})

t.test('the usual set holds the user, and every other name goes out empty', async (t) => {
  const { presenter } = start()
  const out = named(presenter.present(SESSION_ONLY, admitted()))
  t.strictSame(Object.keys(out), ALL.all.map(({ name }) => name.toLowerCase()))
  t.strictSame(Object.entries(out).filter(([, value]) => value !== ''), [
    ['remote-user', 'alice'], ['remote-groups', 'admin,editor']
  ])
  t.strictSame(Object.values(named(presenter.nobody)), ALL.all.map(() => ''))
})

t.test('a route chooses its set, in a query or a header', async (t) => {
  const { presenter } = start()
  const out = named(presenter.present(parsePolicy('role=admin&identity=webauth'), admitted()))
  t.equal(out['x-webauth-user'], 'alice')
  t.equal(out['remote-user'], '')
})

t.test('a set that IDENTITY_HEADERS does not name goes out where a route names it', async (t) => {
  const { presenter } = start({ headers: NO_HEADERS })
  t.equal(named(presenter.present(parsePolicy('identity=remote'), admitted()))['remote-user'], 'alice')
})

t.test('a route with two different sets or audiences sends no identity', async (t) => {
  const { presenter, given } = start({ withToken: true })
  const twoSets = named(presenter.present(parsePolicy('identity=remote&identity=webauth'), admitted()))
  t.strictSame(
    Object.entries(twoSets).filter(([, value]) => value !== '').map(([name]) => name), ['x-token', 'x-session']
  )
  const before = given.length
  const twoAudiences = named(presenter.present(parsePolicy('audience=a&audience=b'), admitted()))
  t.match(twoAudiences, { 'x-token': '', 'x-session': '' })
  t.equal(given.length, before)
})

t.test('the same object goes out until something changes', async (t) => {
  let profile: Profile = { email: 'a@example.com' }
  const { presenter } = start({ profiles: () => profile })
  const person = admitted()
  const first = presenter.present(SESSION_ONLY, person)
  t.equal(presenter.present(SESSION_ONLY, person), first)
  t.not(presenter.present(parsePolicy('identity=webauth'), person), first, 'another set')
  t.equal(presenter.present(SESSION_ONLY, person), first)
  profile = { email: 'b@example.com' }
  t.equal(named(presenter.present(SESSION_ONLY, person))['remote-email'], 'b@example.com')
  t.not(presenter.present(SESSION_ONLY, { ...person, identity: admitted('bob').identity }), first, 'another identity')
})

t.test('one key with another identity never gets what was prepared for the first', async (t) => {
  const { presenter } = start({ withToken: true })
  const [alice, bob] = [admitted('alice', 'k'), admitted('bob', 'k')]
  for (const [name, person] of [['alice', alice], ['bob', bob], ['alice', alice]] as const) {
    const out = named(presenter.present(SESSION_ONLY, person))
    t.equal(out['remote-user'], name)
    t.match(out['x-token'], new RegExp(`^${name} `))
  }
})

t.test('the first sight of a user waits, and the request is judged again with it', async (t) => {
  let found: (profile: Profile) => void = () => {}
  const waiting = new Promise<Profile>((resolve) => { found = resolve })
  let remembered: Profile = { email: 'a@example.com' }
  const { presenter } = start({ profiles: () => waiting, now: () => remembered })
  const first = presenter.present(SESSION_ONLY, admitted())
  if (!(first instanceof Promise)) throw new Error('it does not wait')
  found(remembered)
  const known = await first
  t.equal(named(presenter.present(SESSION_ONLY, admitted(), known))['remote-email'], 'a@example.com')
  t.equal(named(presenter.present(SESSION_ONLY, admitted('bob'), known))['remote-email'], '', 'another user by then')
  remembered = NO_PROFILE
  const again = presenter.present(SESSION_ONLY, admitted(), known)
  t.equal(named(again)['remote-email'], '', 'changed since it was read')
})

t.test('a machine has no profile and no user', async (t) => {
  const { presenter } = start({ profiles: () => { throw new Error('asked') } })
  const machine = { ...admitted(), userId: undefined, identity: validResolution({ 'user-roles': '' }).identity }
  t.strictSame(Object.values(named(presenter.present(SESSION_ONLY, machine))).filter((value) => value !== ''), [])
})

t.test('a value that ends is made once for its audience and time', async (t) => {
  const { presenter, clock, given } = start({ withToken: true, profiles: () => NO_PROFILE })
  const person = admitted()
  const token = (policy: Policy = SESSION_ONLY) => named(presenter.present(policy, person))['x-token']
  t.strictSame([token(), token(), token(parsePolicy('audience=grafana'))], [
    'alice undefined 1', 'alice undefined 1', 'alice grafana 2'
  ])
  clock.advance(29_999)
  t.equal(token(), 'alice undefined 1')
  clock.advance(1)
  t.equal(token(), 'alice undefined 3')
  clock.setWall(0)
  t.equal(token(), 'alice undefined 4', 'a clock that was set back')
  t.strictSame(given[0]?.[0], {
    admitted: person, profile: NO_PROFILE, session: "alice's named", now: manualClock().wall()
  })
  t.equal(named(presenter.present(SESSION_ONLY, person))['x-session'], "alice's named")
})

t.test('a value that cannot be made yet goes out empty, and is asked for again', async (t) => {
  const { presenter, state } = start({ withToken: true })
  const token = () => named(presenter.present(SESSION_ONLY, admitted()))['x-token']
  state.hasKey = false
  t.strictSame([token(), token()], ['', ''])
  state.hasKey = true
  t.match(token(), /^alice /)
})

t.test('prepared headers are bounded, and each user still gets their own', async (t) => {
  const { presenter } = start({ maxBytes: 20_000, withToken: true })
  const people = Array.from({ length: 100 }, (_, index) => admitted(`user-${index}`))
  for (const round of [1, 2]) {
    for (const [index, person] of people.entries()) {
      const policy = parsePolicy(`audience=a${index}`) // as many audiences: a client may write them
      const out = named(presenter.present(policy, person))
      t.equal(out['remote-user'], `user-${index}`, `round ${round}`)
      t.match(out['x-token'], new RegExp(`^user-${index} a${index} `))
    }
  }
})

t.test('an identity that prepared headers keep alive counts against the bound', async (t) => {
  const { presenter } = start({ maxBytes: 40_000 })
  const withRoles = (name: string): Admitted => {
    const { userId, identity } = validResolution({ 'user-id': name, 'user-roles': 'r'.repeat(12_000) })
    return { ...admitted(name), userId, identity }
  }
  const [one, other] = [withRoles('one'), withRoles('other')]
  const first = presenter.present(SESSION_ONLY, one)
  t.equal(presenter.present(SESSION_ONLY, one), first, 'kept')
  presenter.present(SESSION_ONLY, other)
  t.not(presenter.present(SESSION_ONLY, one), first, 'there is room for one of them')
})

t.test('all values together have a bound, and a value that does not fit is empty', async (t) => {
  const map = Array.from({ length: 20 }, (_, index) => ({ name: `X-${index}`, field: 'roles' as const }))
  const { presenter } = start({ headers: { usual: map, all: map } })
  const { userId, identity } = validResolution({ 'user-roles': 'r'.repeat(4000) })
  const values = Object.values(named(presenter.present(SESSION_ONLY, { ...admitted(), userId, identity })))
  t.strictSame(values.map(({ length }) => length), [4000, 4000, 4000, 4000, ...Array.from({ length: 16 }, () => 0)])
})
