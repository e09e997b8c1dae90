import fc from 'fast-check'
import t from 'tap'
import { parsePolicy } from '../../../../src/base/core/policy.ts'
import { createLoginRedirect } from '../../../../src/parts/login/flow/redirect.ts'
import { createReturnUrls } from '../../../../src/parts/login/flow/return-url.ts'
import { holds } from '../../../helpers/property.ts'
import { CORPUS, forms } from '../../../security/helpers/redirects.ts'

/** A login on this machine, as the demo has it. */
const ORIGIN = 'http://localhost:8080'
const SETTINGS = { publicUrl: ORIGIN, path: '/_auth', allowedHosts: [] }
const returnUrls = createReturnUrls(SETTINGS)
const { read, fallback } = returnUrls

t.equal(fallback, `${ORIGIN}/`)

const TAKEN: ReadonlyArray<readonly [text: string, url?: string]> = [
  [`${ORIGIN}/`], [ORIGIN, `${ORIGIN}/`], [`${ORIGIN}/a/b?c=d&e=f`], [`${ORIGIN}?x=1`, `${ORIGIN}/?x=1`],
  [`${ORIGIN}//evil.example/`], [`${ORIGIN}/@evil.example/`], [`${ORIGIN}/?rd=https://evil.example`],
  [encodeURIComponent(`${ORIGIN}/x?a=1&b=2`), `${ORIGIN}/x?a=1&b=2`]
]

t.test('back to a page of this origin', async (t) => {
  for (const [text, url = text] of TAKEN) {
    t.equal(read(text), url)
    t.equal(read(url), url, 'and stays so when it is read again')
  }
})

const REFUSED: readonly string[] = [
  'http://localhost/', 'http://localhost:80801/', 'http://localhost:808/', 'http://localhost:8081/',
  'http://localhost:8080.evil.example/', 'http://localhost:8080@evil.example/', 'http://localhost:8080:80@evil.example/',
  'http://localhost:8080\\@evil.example/', 'http://localhost:8080#@evil.example', 'http://localhost:8080/#x',
  'http://localhost:8080/\\evil.example', 'http://user@localhost:8080/', 'http://LOCALHOST:8080/', 'HTTP://localhost:8080/',
  'http://localhost.:8080/', 'http://127.0.0.1:8080/', 'http://[::1]:8080/', 'https://localhost:8080/',
  'https://localhost/', 'http:localhost:8080/', '//localhost:8080/', 'http://app.example.com/', 'https://app.example.com/',
  'http://app.localhost:8080/', ' http://localhost:8080/', 'http://localhost:8080/\r\nx', 'http://localhost:8080/é',
  `${ORIGIN}/_auth/login`, `${ORIGIN}/_auth/logout?x`, `${ORIGIN}/%5Fauth/logout`, `${ORIGIN}//_auth//logout`,
  `${ORIGIN}/x/../_auth/logout`, `${ORIGIN}/${'x'.repeat(2048)}`, `${ORIGIN}/${'{'.repeat(1000)}`
]

t.test('and to nothing else', async (t) => {
  for (const text of REFUSED) t.equal(read(text), undefined, JSON.stringify(text).slice(0, 80))
})

/** What a browser takes for the host is the one origin, and nothing but printable ASCII travels. */
const stays = (url: string | undefined): boolean =>
  url === undefined || (/^http:\/\/localhost:8080\/[!-~]*$/.test(url) && new URL(url).origin === ORIGIN)

t.test('addresses that once led away elsewhere lead to this origin or nowhere', async (t) => {
  const all = CORPUS.flatMap((text) => [
    text, text.replaceAll('app.example.com', 'localhost:8080'),
    text.replaceAll('app.example.com', 'localhost:8080').replaceAll('https', 'http')
  ]).flatMap(forms)
  t.strictSame(all.filter((text) => !stays(read(text))), [])
  t.ok(all.filter((text) => read(text) !== undefined).length >= 10, 'some of them are pages of ours')
})

const PIECES = [
  'http://', 'https://', '//', '/', '\\', '@', ':', '.', '#', '?', '%2f', '%5c', '%40', '\t', '\r\n', '8080', ':8080',
  'localhost', 'evil.example', '.localhost', '_auth/logout', '。', '[::1]', '127.0.0.1', '&rd=', '\0'
]
const address = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }).map((pieces) => pieces.join('')),
  fc.array(fc.constantFrom(...PIECES), { maxLength: 7 }).map((pieces) => ORIGIN + pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => ORIGIN + text)
)

const find = createLoginRedirect({ origin: ORIGIN, returnUrls }, SETTINGS.path, () => {})
const policy = parsePolicy('')
const REFUSED_GET = { reason: 'no_credentials', bearer: false, method: 'GET', isTrusted: () => true } as const
const sentFrom = (host: string, uri: string) =>
  find({ ...REFUSED_GET, policy: () => policy, rawHeaders: ['x-forwarded-host', host, 'x-forwarded-uri', uri] })

t.test('whatever the address, and whatever a proxy says, it is this origin or none', async (t) => {
  let taken = 0
  await holds(t, fc.property(address, fc.nat(2), (text, form) => {
    const url = read(forms(text)[form] ?? text)
    taken += url === undefined ? 0 : 1
    const sent = sentFrom(text.slice(0, 30), text.slice(8))
    const [, back] = /^http:\/\/localhost:8080\/_auth\/login(?:\?rd=(.*))?$/.exec(sent?.location ?? `${ORIGIN}/_auth/login`) ?? ['', 'wrong']
    return stays(url) && stays(back)
  }), 20_000)
  t.ok(taken > 500, `${taken} of 20,000 were taken`)
})

t.test('a proxy of this machine says where people were, port and all', async (t) => {
  t.equal(sentFrom('localhost:8080', '/deep?a=1')?.location, `${ORIGIN}/_auth/login?rd=${ORIGIN}/deep?a=1`)
})
