import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { createReturnUrls } from '../../../../src/parts/login/flow/return-url.ts'
import { createSeal } from '../../../../src/parts/login/flow/state.ts'
import { LOGIN } from '../../../helpers/in-process.ts'
import { startLoginWorld, type LoginWorld } from '../../../helpers/login-world.ts'
import { holds } from '../../../helpers/property.ts'
import { sendRaw, type RawAnswer } from '../../../helpers/raw-http.ts'
import { advisory } from '../../../security/helpers/advisory.ts'
import { CORPUS, forms, leaves } from '../../../security/helpers/redirects.ts'
import { startWorld } from '../../../security/helpers/world.ts'
import { IS_ALL, runs } from '../../../helpers/runs.ts'

const NAVIGATION = 'Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\n'

/** Bytes as they are, so that no client mends them. */
const get = async ({ verifier }: LoginWorld, path: string, lines = ''): Promise<RawAnswer | undefined> =>
  await sendRaw(verifier.port, `GET ${path} HTTP/1.1\r\nHost: x\r\n${NAVIGATION}${lines}Connection: close\r\n\r\n`)

const bytes = (text: string): string => Buffer.from(text).toString('latin1')
const valueOf = (answer: RawAnswer | undefined, name: string): string | undefined =>
  answer?.headers.find(([header]) => header.toLowerCase() === name)?.[1]

/** @returns what is wrong with an answer; nothing for most, and the tally says how many there were */
function judge (answer: RawAnswer | undefined, what: string, tally: Record<string, number>): string[] {
  // what is no HTTP is refused by Node's parser
  if (answer === undefined || answer.status === 400) {
    tally['refused'] = (tally['refused'] ?? 0) + 1
    if (answer === undefined) return []
  }
  const locations = (answer?.headers ?? []).filter(([name]) => name.toLowerCase() === 'location')
    .map(([, value]) => value)
  tally[String(answer?.status)] = (tally[String(answer?.status)] ?? 0) + 1
  const wrong = locations.map(leaves).filter((why) => why !== undefined)
  if (locations.length > 1) wrong.push('has two Locations')
  const isOut = valueOf(answer, 'x-forward-auth-reason') === 'signed_out'
  if (answer !== undefined && answer.status >= 200 && answer.status < 300 && !isOut) wrong.push(`is a ${answer.status}`)
  // a link of a page may have a validated return address, and what stands in its query
  const page = (answer?.body ?? '').replaceAll(
    /href="\/_auth\/login\?rd=([^"]*)"/g,
    (_, url: string) => leaves(url.replaceAll('&amp;', '&').replaceAll(/&(?:quot|#39|lt|gt);/g, '.')) ?? ''
  )
  if (/evil|http-equiv|leads|names/i.test(page)) wrong.push('names it on a page')
  for (const name of ['refresh', 'link', 'content-location']) { if (valueOf(answer, name) !== undefined) wrong.push(`has a ${name}`) }
  return wrong.map((why) => `${why}: ${JSON.stringify(what).slice(0, 200)} → ${locations.join(' ')}`)
}

/** Through Authgear and back: where people end. */
async function journey (world: LoginWorld, rd: string, session: string): Promise<readonly (RawAnswer | undefined)[]> {
  const begun = await get(world, `/_auth/login?rd=${bytes(rd)}`)
  const location = valueOf(begun, 'location')
  if (begun === undefined || location === undefined) return [begun]
  const state = new URL(location).searchParams.get('state') ?? ''
  const cookie = (valueOf(begun, 'set-cookie') ?? '').split(';')[0] ?? ''
  return [begun, await get(world, `/_auth/callback?state=${state}`, `Cookie: ${cookie}; ${session}\r\n`)]
}

advisory(
  t,
  'Traefik CVE-2020-15129, CVE-2026-48020, oauth2-proxy CVE-2020-11053, tinyauth #854',
  'open redirects: a corpus of several hundred addresses, against login, callback, logout, forged states and ' +
    'X-Forwarded-*',
  async (t) => {
    const world = await startLoginWorld(t, { adapter: { CACHE_TTL: '10m' } })
    const session = `session=${world.authgear.controls.signIn('alice').cookie}`
    const forged = createSeal('not the secret of the tests, 32 b')
    const own = createSeal(LOGIN.LOGIN_SECRET)
    const browser = { id: 'b', returns: 0, since: Date.now() }
    const bound = `Cookie: __Host-forward-auth-login=${own.seal('browser', browser)}; ${session}\r\n`
    const stateOf = (seal: typeof own, returnTo: string): string =>
      seal.seal('state', {
        returnTo,
        browser: 'b',
        mode: 'silent',
        maxAge: undefined,
        locales: undefined,
        restarts: 0,
        issuedAt: Date.now()
      })
    const wrong: string[] = []
    const tally: Record<string, number> = {}
    let asked = 0
    const addresses = IS_ALL ? CORPUS : CORPUS.filter((_, n) => n % 8 === 0)
    const check = (answer: RawAnswer | undefined, what: string): void => {
      asked++
      wrong.push(...judge(answer, what, tally))
    }

    for (const text of addresses) {
      for (const form of forms(text)) {
        for (const answer of await journey(world, form, session)) check(answer, `rd=${form}`)
      }
      const raw = bytes(text)
      for (const lines of [
      `X-Forwarded-Host: ${raw}\r\nX-Forwarded-Uri: /\r\n`,
      `X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: ${raw}\r\n`,
      `X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /${raw}\r\nX-Auth-Request-Redirect: ` +
        `${raw}\r\nX-Original-Url: ${raw}\r\n`
      ]) {
        check(await get(world, '/verify', lines), lines)
      }
      check(await get(world, `/verify?rd=${raw}`, ''), 'the verify query')
      const out = await get(world, `/_auth/logout?post_logout_redirect_uri=${raw}&rd=${raw}`,
        `Cookie: ${session}x\r\nReferer: ${raw}\r\nX-Forwarded-Host: ${raw}\r\n`)
      check(out, 'logout')
      check(await get(world, '/_auth/logged-out', `Cookie: ${valueOf(out, 'set-cookie') ?? ''}\r\n`), 'and then a login')
      check(await get(world, '/verify?role=x', `X-Forwarded-Host: ${raw}\r\nX-Forwarded-Uri: /\r\nCookie: ${session}\r\n`), 'a 403')
      check(await get(world, `/_auth/logged-out?rd=${raw}&state=${raw}`), 'logged out')
      check(await get(world, `/_auth/callback?state=${raw}&rd=${raw}`, bound), 'a state that is none')
      check(await get(world, `/_auth/callback?error=${raw}&state=${stateOf(own, text)}`, bound), 'an error')
      check(await get(world, `/_auth/callback?state=${stateOf(forged, text)}`, bound), 'a forged state')
      check(await get(world, `/_auth/callback?state=${stateOf(own, text)}`, bound), 'a true state of other settings')
      check(await get(world, `/_auth/login?ui_locales=${raw}&max_age=${raw}&rd=${raw}`), 'other parameters')
    }
    t.strictSame(wrong, [])
    t.ok(CORPUS.length >= 300, `${CORPUS.length} addresses`)
    t.ok((tally['302'] ?? 0) > 3 * addresses.length && (tally['303'] ?? 0) > addresses.length, 'most lead somewhere')
    t.comment(
    `${addresses.length} addresses, ${asked} answers (${Object.entries(tally)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ')}), ${wrong.length} that lead away`
    )
  })

advisory(t, 'Authelia CVE-2026-48794, GHSA-j748-h363-wqj8, tinyauth CVE-2026-77560',
  'hosts to return to were compared with their case', async (t) => {
    const world = await startLoginWorld(t)
    const session = `session=${world.authgear.controls.signIn('alice').cookie}`
    for (const host of ['APP.example.com', 'app.EXAMPLE.com', 'X.apps.example.com', 'x.Apps.example.com']) {
      const [, back] = await journey(world, `https://${host}/wanted`, session)
      t.equal(valueOf(back, 'location'), 'https://app.example.com/', host)
    }
    const [, back] = await journey(world, 'https://x.apps.example.com/wanted', session)
    t.equal(valueOf(back, 'location'), 'https://x.apps.example.com/wanted')
  })

advisory(t, 'oauth2-proxy CVE-2026-40575, tinyauth #854',
  'X-Forwarded-Host of a client who is no trusted proxy chose where to return to', async (t) => {
    const world = await startLoginWorld(t, { adapter: { TRUSTED_PROXIES: '192.0.2.1' } })
    for (const text of ['b.apps.example.com', ...CORPUS.slice(0, 20)]) {
      t.equal(
        valueOf(await get(world, '/verify', `X-Forwarded-Host: ${bytes(text)}\r\nX-Forwarded-Uri: /x\r\n`), 'location') ??
        'https://app.example.com/_auth/login',
        'https://app.example.com/_auth/login',
        text
      )
    }
  })

t.test('without a login no answer has a Location', async (t: Test) => {
  const { adapter } = await startWorld(t)
  for (const text of CORPUS.slice(0, 100).map(bytes)) {
    for (const path of [`/verify?rd=${text}`, `/_auth/login?rd=${text}`, `/${text}`]) {
      const answer = await sendRaw(
        adapter.port,
        `GET ${path} HTTP/1.1\r\nHost: x\r\n${NAVIGATION}X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: ` +
          '/\r\nConnection: close\r\n\r\n'
      )
      for (const name of ['location', 'refresh', 'set-cookie', 'link']) { if (valueOf(answer, name) !== undefined) t.fail(`${name} for ${path}`) }
      if (answer !== undefined && answer.status < 400) t.fail(`${answer.status} for ${path}`)
    }
  }
})

/** Pieces that confuse readers of addresses, in any order. */
const PIECES = [
  'https://', 'https:', 'http://', '//', '/', '\\', '@', ':', '.', '#', '?', '%2f', '%5c', '%40', '%00', '%0d%0a', '\t',
  '\r\n', ' ', '443', ':443', 'app.example.com', 'evil.example.net', 'apps.example.com', 'x.apps.example.com', 'user',
  '_auth/logout', '\u0440', '\u3002', '\uff0e', 'xn--', '[', ']', '*', 'APP', 'HTTPS', '&rd=', 'javascript:', '\0',
  '\u00e9'
]
const address = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }).map((pieces) => pieces.join('')),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 7 }).map((pieces) => `https://app.example.com${pieces.join('')}`),
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => `https://app.example.com${text}`),
  fc.webUrl({ withFragments: true, withQueryParameters: true, validSchemes: ['https', 'http'] }),
  fc.string({ unit: 'binary' })
)

t.test('whatever the address: it is one of ours over https, or none', async (t) => {
  const { read } = createReturnUrls({
    publicUrl: LOGIN.LOGIN_PUBLIC_URL, path: '/_auth', allowedHosts: LOGIN.LOGIN_ALLOWED_HOSTS.split(',')
  })
  let taken = 0
  await holds(t, fc.property(address, fc.nat(2), (text, encoded) => {
    const url = read(forms(text)[encoded] ?? text)
    if (url === undefined) return true
    taken++
    return leaves(url) === undefined && read(url) === url
  }), 10_000)
  t.ok(taken > 200, `${taken} of ${runs(10_000)} were taken`)
})

t.test("every Location of the login is Authgear's, or an allowed host over https", async (t) => {
  const world = await startLoginWorld(t, { adapter: { CACHE_TTL: '10m' } })
  const session = `session=${world.authgear.controls.signIn('alice').cookie}`
  const header = fc.string({
    unit: fc.constantFrom(...PIECES.filter((piece) => !/[\r\n\0]/.test(piece)), 'a', '-'), maxLength: 6
  })
  const paths = fc.constantFrom(
    '/verify', '/ext-authz/x', '/_auth/login', '/_auth/callback', '/_auth/logout', '/_auth/logged-out'
  )
  const tally: Record<string, number> = {}
  await holds(
    t,
    fc.asyncProperty(paths, address, header, header, fc.boolean(), async (path, text, host, uri, signedIn) => {
      const query = path === '/_auth/callback' ? `state=${bytes(text)}` : `rd=${bytes(text)}`
      const lines = `X-Forwarded-Host: ${bytes(host)}\r\nX-Forwarded-Uri: ` +
        `${bytes(uri)}\r\n${signedIn && path !== '/_auth/logout' ? `Cookie: ${session}\r\n` : ''}`
      const answer = await get(
        world, path.startsWith('/_auth') ? `${path}?${query.replaceAll(/[\r\n]/g, '')}` : path, lines
      )
      const faults =
        path.startsWith('/_auth') || answer?.status !== 200
          ? judge(answer, `${path} ${text} ${host} ${uri}`, tally)
          : []
      deepEqual(faults, [])
    }),
    500
  )
  t.ok((tally['302'] ?? 0) > 100, 'a hundred and more lead somewhere')
})
