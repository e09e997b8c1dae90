import fc from 'fast-check'
import t from 'tap'
import { cookieNames, credentialHeaders, readCredentials } from '../../../src/base/core/credentials.ts'
import { credentials, hostileHeaders, NAMES, NOTHING } from '../../helpers/credentials.ts'
import { goCookie } from '../../helpers/go-cookies.ts'
import { holds } from '../../helpers/property.ts'

const rows: readonly (readonly [what: string, sent: Parameters<typeof credentials>[0], headers: readonly string[]])[] =
  [
    ['nothing', {}, []],
    ['a bearer token', { bearer: 'a' }, ['authorization', 'Bearer a']],
    ['one cookie', { session: 'a' }, ['cookie', 'session=a']],
    ['an empty cookie is sent, since it counts', { session: '' }, ['cookie', 'session=']],
    ['all, always in one order', { session: 's', appAccessToken: 't', appSession: 'p', bearer: 'b' },
      ['authorization', 'Bearer b', 'cookie', 'app_session=p; app_access_token=t; session=s']],
    ['a blank at the end is kept by quotes', { session: 'a ', appSession: ' ' },
      ['cookie', 'app_session=" "; session="a "']],
    ['a blank at the beginning needs none', { session: ' a' }, ['cookie', 'session= a']]
  ]

t.test('the headers for Authgear hold the credentials and nothing else', async t => {
  for (const [what, sent, headers] of rows) t.strictSame(credentialHeaders(credentials(sent), NAMES), headers, what)
  t.strictSame(credentialHeaders(credentials({ session: 'a' }), cookieNames('__Host-')),
    ['cookie', '__Host-session=a'], 'with the prefix')
})

t.test('what is forwarded reads as the very same credentials, here and in Go', async t => {
  let forwarded = 0
  await holds(t, fc.property(hostileHeaders, fc.constantFrom('', 'lab_', '__Host-'), (rawHeaders, prefix) => {
    const names = cookieNames(prefix)
    const reading = readCredentials(
      rawHeaders.map((text) => text.replace(/(app_session|app_access_token|session)(?= ?=)/g, `${prefix}$1`)), names
    )
    if (reading.kind !== 'credentials') return
    forwarded++
    const sent = credentialHeaders(reading.credentials, names)
    const again = readCredentials(sent, names)
    if (again.kind !== 'credentials') throw new Error(`it reads as ${again.kind}`)
    if (JSON.stringify(again.credentials) !== JSON.stringify(reading.credentials)) {
      throw new Error('it reads differently')
    }
    const cookies = sent.filter((_, i) => i % 2 === 1 && sent[i - 1] === 'cookie')
    const go = {
      ...NOTHING,
      bearer: reading.credentials.bearer,
      appSession: goCookie(cookies, names.appSession),
      appAccessToken: goCookie(cookies, names.appAccessToken),
      session: goCookie(cookies, names.session)
    }
    if (JSON.stringify(go) !== JSON.stringify(reading.credentials)) throw new Error('Go reads it differently')
    if (!sent.every(text => /^[\t\x20-\x7e\x80-\xff]*$/.test(text))) throw new Error('a byte that cannot be sent')
  }), 2000)
  t.ok(forwarded > 250, 'enough of them were credentials')
})
