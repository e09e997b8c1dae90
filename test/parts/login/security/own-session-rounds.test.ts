import t from 'tap'
import { APP, signedIn, startOwnWorld, type OwnWorld } from '../../../helpers/own-session-world.ts'
import { last, type Hop, type Person } from '../../../helpers/person.ts'

const isAuthorize = ({ url }: Hop): boolean => new URL(url).pathname === '/oauth2/authorize'
const reasonOf = ({ headers }: Hop): unknown => headers['x-forward-auth-reason']
const loginFor = (page: string, maxAge?: number): string =>
  `${APP}/_auth/login?${maxAge === undefined ? '' : `max_age=${maxAge}&`}rd=${APP}${page}`

/** Sent to the login for that page, and asked again there if Authgear does. */
async function sentFor (world: OwnWorld, person: Person, page: string, maxAge?: number): Promise<readonly Hop[]> {
  // Authgear's times are whole seconds
  world.clock.advance(1000)
  const hops = await person.open(loginFor(page, maxAge))
  const { url } = last(hops)
  if (!url.includes('/authflow/v2/select_account')) return hops
  return [...hops, ...await person.send(url.replace('/authflow/v2/select_account', '/reauth'), {})]
}

/** Whatever pages an app sends a person to: the third way to Authgear within a minute takes a click. */
for (const [what, maxAge] of [['step-ups', 0], ['logins', undefined]] as const) {
  t.test(`${what} for one page after another send nobody to Authgear more than twice`, async (t) => {
    const world = await startOwnWorld(t)
    const person = await signedIn(world)
    const seen: Hop[] = []
    for (let n = 0; n < 6 && !seen.some((hop) => reasonOf(hop) === 'redirect_loop'); n++) {
      seen.push(...await sentFor(world, person, `/page-${n}`, maxAge))
    }
    t.equal(seen.filter(isAuthorize).length, 2)
    t.match(last(seen), { status: 403, headers: { 'x-forward-auth-reason': 'redirect_loop' } })
    t.match(last(seen).body, 'href="/_auth/login?rd=', 'with a way on')
    t.equal(await world.who(person), 'alice', 'nobody is signed out by it')
    t.equal((await sentFor(world, person, '/clicked', maxAge)).filter(isAuthorize).length, 1, 'after a click')
  })
}

t.test('a login and a step-up count together', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  t.equal((await sentFor(world, person, '/a')).filter(isAuthorize).length, 1)
  t.equal((await sentFor(world, person, '/b', 0)).filter(isAuthorize).length, 1)
  t.equal(reasonOf(last(await sentFor(world, person, '/c'))), 'redirect_loop')
})

t.test('a minute later a person may be sent again', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  for (const page of ['/a', '/b']) await sentFor(world, person, page, 0)
  world.clock.advance(61_000)
  t.equal((await sentFor(world, person, '/c', 0)).filter(isAuthorize).length, 1)
})

t.test('ten tabs that are restored at once are all sent, and all come back', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  person.forget('__Host-forward-auth')
  const isSent = ({ url }: Hop): boolean => url.includes('/_auth/login')
  const tabs: Hop[] = []
  for (let n = 0; n < 10; n++) tabs.push(last(await person.open(`${APP}/tab-${n}`, { until: isSent })))
  for (const [n, { headers }] of tabs.entries()) {
    t.match(last(await person.open(String(headers['location']))), { status: 200, url: `${APP}/tab-${n}` })
  }
})

t.test('two tabs of a new browser at a page with a step-up both get to it', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  world.clock.advance(100_000)
  const isAtAuthgear = (hop: Hop): boolean => isAuthorize(hop) && hop.url.startsWith(world.relay.url)
  const tabs: Hop[] = []
  for (let n = 0; n < 2; n++) {
    // neither has a cookie yet
    for (const pair of person.cookies(new URL(APP).host).split('; ')) person.forget(pair.split('=')[0] ?? '')
    tabs.push(last(await person.open(`${APP}/secret?tab=${n}`, { until: isAtAuthgear })))
  }
  for (const { url } of tabs) t.match(last(await person.open(url)).url, '/authflow/v2/select_account')
})

t.test('a login that restarts automatically counts too', async (t) => {
  const world = await startOwnWorld(t)
  const person = await signedIn(world)
  const isCallback = ({ headers }: Hop): boolean => String(headers['location']).includes('/_auth/callback')
  const back = last(await person.open(loginFor('/late'), { until: isCallback }))
  world.clock.advance(3_700_000) // its state has ended
  const late = await person.open(new URL(String(back.headers['location']), back.url).href)
  t.equal(late.filter(isAuthorize).length, 1)
  t.equal(reasonOf(last(await sentFor(world, person, '/next'))), 'redirect_loop')
})
