import t from 'tap'
import { createEndedGrants } from '../../../../src/parts/login/oidc/ended-grants.ts'
import { createSites } from '../../../../src/parts/login/flow/sites.ts'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import {
  browserCookie, challengeOf, clicked, hasSignedIn, newBrowser, OWN_FORMS, proofsOf, readBrowser, returned, roundOf
} from '../../../../src/parts/login/flow/state.ts'
import { createUsedCodes } from '../../../../src/parts/login/oidc/codes.ts'
import { until } from '../../../helpers/until.ts'

const ORIGINS = ['https://app.example.com', 'https://wiki.other.org', 'http://localhost:8080', 'http://127.0.0.1:9090']
const PROXY = '10.0.0.1'
const sites = createSites(ORIGINS, '/_auth', (peer) => peer === PROXY)
const lines = (...pairs: ReadonlyArray<readonly [string, string]>) => pairs.flat()
/** As many ways back as a login of our own takes. */
const isCircling = (browser: Parameters<typeof roundOf>[0], now: number): boolean => roundOf(browser, now) >= 2
const at = (rawHeaders: readonly string[], remoteAddress = PROXY) =>
  sites.ofRequest({ rawHeaders, socket: { remoteAddress } })?.origin

t.test('the host chooses exactly among the origins', async (t) => {
  for (const [host, origin] of [
    ['app.example.com', ORIGINS[0]], ['app.example.com:443', ORIGINS[0]], ['wiki.other.org', ORIGINS[1]],
    ['localhost:8080', ORIGINS[2]], ['localhost', ORIGINS[2]], ['127.0.0.1:9090', ORIGINS[3]],
    ['localhost:9999', undefined], ['APP.example.com', undefined], ['app.example.com.', undefined],
    ['x.app.example.com', undefined], ['', undefined]
  ] as const) t.equal(sites.of(host)?.origin, origin, host)
})

t.test('a trusted proxy names the host; else it is the request\'s own', async (t) => {
  const own = ['Host', 'wiki.other.org'] as const
  const forwarded = ['X-Forwarded-Host', 'app.example.com'] as const
  t.equal(at(lines(own, forwarded)), ORIGINS[0])
  t.equal(at(lines(own, forwarded), '192.0.2.1'), ORIGINS[1])
  t.equal(at(lines(own)), ORIGINS[1])
  t.equal(at(lines(own, forwarded, ['x-forwarded-host', 'wiki.other.org'])), undefined, 'two are none')
  t.equal(at([]), undefined)
})

t.test('cookies of https hosts are of that host alone; on this machine they do without', async (t) => {
  t.match(sites.of('app.example.com'), {
    cookies: { session: '__Host-forward-auth' }, attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax'
  })
  t.match(sites.of('localhost'), { cookies: { session: 'forward-auth' }, attributes: 'Path=/; HttpOnly; SameSite=Lax' })
})

t.test('verifier and nonce are of one browser and one state', async (t) => {
  const [app, wiki] = [sites.of('app.example.com'), sites.of('wiki.other.org')]
  if (app === undefined || wiki === undefined) throw new Error('no site')
  const [one, other] = [newBrowser(app), newBrowser(app)]
  const { verifier, nonce } = proofsOf(one, 'state')
  t.same(proofsOf(one, 'state'), { verifier, nonce }, 'the same again')
  t.match(verifier, /^[\w-]{43}$/)
  t.match(challengeOf(verifier), /^[\w-]{43}$/)
  for (const proofs of [proofsOf(other, 'state'), proofsOf(one, 'another')]) {
    t.not(proofs.verifier, verifier)
    t.not(proofs.nonce, nonce)
  }
  t.not(verifier, nonce)
  t.not(OWN_FORMS.nameOf(one), OWN_FORMS.nameOf(other))
  const sealedBy = (...secrets: [string, string?]) => ({ forms: OWN_FORMS, seal: createSeal(...secrets) })
  const cookie = browserCookie(sealedBy('s'.repeat(32)), app, one).split(';', 1)[0] ?? ''
  const brought = { rawHeaders: ['cookie', cookie] }
  t.same(readBrowser(sealedBy('s'.repeat(32)), brought, app), one)
  t.equal(readBrowser(sealedBy('s'.repeat(32)), brought, wiki), undefined, 'another host')
  t.equal(readBrowser(sealedBy('x'.repeat(32)), brought, app), undefined, 'another secret')
  t.same(readBrowser(sealedBy('x'.repeat(32), 's'.repeat(32)), brought, app), one, 'the previous one')
})

t.test('two ways back within a minute are enough, whatever pages they led to', async (t) => {
  const app = sites.of('app.example.com')
  if (app === undefined) throw new Error('no site')
  let browser = newBrowser(app)
  for (let round = 0; round < 2; round++) {
    t.notOk(isCircling(browser, 1000))
    t.equal(roundOf(browser, 1000), round)
    browser = returned(browser, { round }, 1000)
  }
  t.ok(isCircling(browser, 60_000))
  t.notOk(isCircling(browser, 61_001), 'a minute later')
  t.equal(roundOf(browser, 61_001), 0)
  t.notOk(isCircling(clicked(browser), 2000))
  for (let n = 0; n < 100; n++) browser = returned(browser, { round: n }, 1000)
  t.ok(JSON.stringify(browser).length < 200, 'a cookie of bounded length')
})

t.test('a minute is counted from the last way back: a slow circle is one, too', async (t) => {
  let browser = newBrowser({ name: 'app.example.com' })
  for (const [round, at] of [0, 50_000, 100_000].entries()) {
    t.equal(roundOf(browser, at), round)
    browser = returned(browser, { round }, at)
  }
  t.equal(roundOf(browser, 160_000), 3)
  t.equal(roundOf(browser, 160_001), 0)
})

t.test('tabs that were sent at once come back as one', async (t) => {
  const app = sites.of('app.example.com')
  if (app === undefined) throw new Error('no site')
  let browser = newBrowser(app)
  for (let tab = 0; tab < 10; tab++) browser = returned(browser, { round: 0 }, 1000)
  t.notOk(isCircling(browser, 1000))
  browser = returned(browser, { round: 1 }, 1000)
  t.ok(isCircling(browser, 1000))
})

t.test('a code is claimed once, on all replicas together', async (t) => {
  const shared = new Map<string, true>()
  const redis = {
    setIfAbsent: async (name: string) => {
      if (shared.has(name)) return false
      shared.set(name, true)
      return true
    },
    release: async (name: string) => { shared.delete(name) }
  }
  const [one, other] = [createUsedCodes(redis), createUsedCodes(redis)]
  t.ok(await one.claim('code'))
  t.notOk(await one.claim('code'))
  t.notOk(await other.claim('code'))
  t.notOk([...shared.keys()].includes('code'), 'Redis has its digest')
  await one.release('code')
  t.ok(await one.claim('code'))
  const away = createUsedCodes({ setIfAbsent: async () => { throw new Error('away') }, release: async () => {} })
  t.strictSame([await away.claim('x'), await away.claim('x')], [true, false], 'Redis away: this replica alone')
})

t.test('revokes a refresh token after a moment, again where that fails, and all at close', async (t) => {
  const revoked: string[] = []
  const failed: unknown[] = []
  const revoke = async (token: string): Promise<void> => {
    revoked.push(token)
    if (token === 'bad' && failed.length < 2) throw new Error('no')
  }
  const options = { revoke, failed: (error: unknown) => { failed.push(error) }, grants: undefined }
  const soon = createEndedGrants({ ...options, afterMs: 1 })
  await soon.add('one')
  await soon.add('bad')
  await until('all are', () => revoked.length === 4)
  t.strictSame([...revoked].sort(), ['bad', 'bad', 'bad', 'one'])
  await soon.close()
  revoked.length = 0
  const later = createEndedGrants({ ...options, afterMs: 1e8 })
  for (let n = 0; n < 1001; n++) await later.add(`${n}`)
  await until('the oldest makes room', () => revoked.length === 1)
  t.strictSame(revoked, ['0'])
  await later.close()
  t.equal(new Set(revoked).size, 1001)
  t.equal(revoked.length, 1001)
})

t.test('a browser counts as signed in before for an hour, however long it is kept', async (t) => {
  const browser = { secret: 's', host: 'app.example.com' }
  t.notOk(hasSignedIn(browser, 0))
  t.ok(hasSignedIn({ ...browser, signedInAt: 1000 }, 3_601_000))
  t.notOk(hasSignedIn({ ...browser, signedInAt: 1000 }, 3_601_001))
})
