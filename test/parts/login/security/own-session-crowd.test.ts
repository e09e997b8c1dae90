import { randomBytes } from 'node:crypto'
import t from 'tap'
import { APP, isCallback, isOnTheWayBack, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'
import { until } from '../../../helpers/until.ts'

/** Whatever a machine does meanwhile: no call is too late. */
const PATIENT = { adapter: { AUTHGEAR_TIMEOUT: '60s', LOG_LEVEL: 'error' } } as const
const PEOPLE = 40

type Coming = Readonly<{ person: Person, callback: string }>

/** One who has signed in at Authgear, and is sent back. */
async function comingBack ({ person: newPerson }: OwnWorld): Promise<Coming> {
  const person = newPerson()
  const page = last(await person.open(`${APP}/`)).url
  const { url, headers } = last(await person.send(page, { user: 'alice' }, { until: isOnTheWayBack }))
  return { person, callback: new URL(String(headers['location']), url).href }
}

const arrive = ({ person, callback }: Coming, address: string): Promise<readonly Hop[]> =>
  person.open(callback, { headers: { 'x-forwarded-for': address }, until: isCallback })

const answerOf = (hops: readonly Hop[]): string =>
  `${last(hops).status} ${String(last(hops).headers['x-forward-auth-reason'])}`

/** Junk codes with a good state, each browser's from an address of its own. @returns when all are answered */
async function junk (world: OwnWorld, count: number, browsers: number): Promise<() => Promise<unknown>> {
  const strangers = await Promise.all(Array.from({ length: browsers }, () => stranger(world)))
  const tries = strangers.flatMap(({ person, state }, index) => Array.from({ length: count / browsers }, () => {
    const code = randomBytes(24).toString('base64url')
    return person.open(`${APP}/_auth/callback?${new URLSearchParams({ state, code }).toString()}`, {
      headers: { 'x-forwarded-for': `198.51.${index}.66` }, until: () => true
    })
  }))
  return () => Promise.all(tries)
}

async function stranger (world: OwnWorld): Promise<Readonly<{ person: Person, state: string }>> {
  const person = world.person()
  const login = await person.open(`${APP}/_auth/login?rd=${APP}/`, { until: ({ url }) => url.includes('/_auth/login') })
  return { person, state: new URL(String(last(login).headers['location'])).searchParams.get('state') ?? '' }
}

/** How many codes are at Authgear at once. */
const CROWDS: ReadonlyArray<readonly [what: string, addressOf: (n: number) => string, atOnce: number]> = [
  ['an office of forty behind one address', () => '203.0.113.7', 6],
  ['a crowd of forty from forty addresses', (n) => `198.51.${n}.7`, 8]
]

for (const [what, addressOf, atOnce] of CROWDS) {
  t.test(`${what} comes back at once, and all are signed in`, async (t) => {
    const world = await startOwnWorld(t, PATIENT)
    const { tokens } = world.authgear.controls
    const people: Coming[] = []
    for (let n = 0; n < PEOPLE; n++) people.push(await comingBack(world))
    const gate = tokens.hold()
    tokens.slow(200)
    const answers = Promise.all(people.map((one, n) => arrive(one, addressOf(n))))
    await until('the first are at Authgear', () => tokens.calls === atOnce)
    gate.release()
    t.strictSame((await answers).map(answerOf), Array<string>(PEOPLE).fill('303 sent_back'))
  })
}

t.test('junk codes at a slow token endpoint keep nobody from a login or a refresh', async (t) => {
  const world = await startOwnWorld(t, PATIENT)
  const { tokens } = world.authgear.controls
  const person = world.person()
  await world.signIn(person, `${APP}/`)
  world.clock.advance(301_000)
  const coming = await comingBack(world)
  const before = tokens.calls
  const gate = tokens.hold()
  const answered = await junk(world, 30, 3)
  await until('junk is at Authgear', () => tokens.calls === before + 8)
  const mine = arrive(coming, '203.0.113.9')
  const who = world.who(person)
  await until('a refresh does not wait behind it', () => tokens.refreshes === 1)
  gate.release()
  t.equal(answerOf(await mine), '303 sent_back')
  t.equal(await who, 'alice')
  await answered()
})
