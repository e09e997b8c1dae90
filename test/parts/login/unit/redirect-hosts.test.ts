import fc from 'fast-check'
import t from 'tap'
import { parsePolicy } from '../../../../src/base/core/policy.ts'
import { clientPathOf } from '../../../../src/base/http/paths.ts'
import { createLoginRedirect } from '../../../../src/parts/login/flow/redirect.ts'
import type { Refused } from '../../../../src/base/verify/refuse.ts'
import { createReturnUrls } from '../../../../src/parts/login/flow/return-url.ts'
import { holds } from '../../../helpers/property.ts'

const ORIGIN = 'https://app.example.com'
const SETTINGS = { publicUrl: ORIGIN, path: '/_auth', allowedHosts: ['app.example.com', '*.apps.example.com'] }
const returnUrls = createReturnUrls(SETTINGS)
const find = createLoginRedirect({ origin: ORIGIN, returnUrls }, SETTINGS.path, () => {})

const anything = fc.string({ unit: 'binary', maxLength: 40 })
const host = fc.oneof(
  fc.constantFrom(
    'app.example.com', 'app.example.com:443', 'app.example.com:80', 'app.example.com.', 'APP.EXAMPLE.COM',
    'app.example.com@evil.example', 'app.example.com:443@evil.example', 'evil.example/app.example.com',
    'evil.example#.apps.example.com', 'evil.example?.apps.example.com', 'evil.example\\.apps.example.com',
    'evil.example:443.apps.example.com', '.apps.example.com', 'xn--pp-6kc.apps.example.com', '127.1', '[::1]'
  ),
  anything,
  anything.map((text) => `${text}.apps.example.com`)
)
const path = fc.oneof(
  fc.constantFrom(
    '/', '//evil.example', '/\\evil.example', '/@evil.example', '/?rd=https://evil.example', '/&rd=https://evil.example',
    '/#@evil.example', '*', 'https://evil.example/', '/..//evil.example', '@evil.example/', ':80@evil.example/'
  ),
  anything,
  anything.map((text) => `/${text}`)
)
type From = Pick<Refused, 'rawHeaders' | 'location'>

/** Where people come back to, by the two ways in which a proxy says where they were. */
const WAYS: Readonly<Record<string, (host: string, path: string) => From>> = {
  forwarded: (host, path) => ({ rawHeaders: ['x-forwarded-host', host, 'x-forwarded-uri', path] }),
  request: (host, path) => ({
    rawHeaders: ['x-forwarded-host', 'evil.example', 'x-forwarded-uri', '/evil'],
    location: { host, uri: clientPathOf(`/ext-authz/~role=a${path}`) }
  })
}

for (const [name, from] of Object.entries(WAYS)) {
  t.test(`no host and no path leads people elsewhere: ${name}`, async (t) => {
    let returns = 0
    await holds(t, fc.property(host, path, (host, path) => {
      const refused = { reason: 'no_credentials', bearer: false, method: 'GET' } as const
      const found = find({ ...refused, ...from(host, path), isTrusted: () => true, policy: () => parsePolicy('') })
      if (found?.location === undefined) return true
      const { origin, pathname, search } = new URL(found.location)
      const [, back] = search.split(/[?&]rd=(.*)/s)
      if (back !== undefined) returns++
      const to = back === undefined ? undefined : new URL(back)
      return origin === ORIGIN && pathname === '/_auth/login' && (to === undefined || (to.username === '' &&
        (to.origin === ORIGIN || /^https:\/\/[a-z0-9.-]+[.]apps[.]example[.]com$/.test(to.origin))))
    }), 20_000)
    t.ok(returns > 100, 'and many are led back')
  })
}
