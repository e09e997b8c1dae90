import t from 'tap'
import { cookieDomainOf } from '../../../../src/parts/login/hosts.ts'

const PAIRS: ReadonlyArray<readonly [one: string, other: string, domain: string | undefined]> = [
  ['auth.example.com', 'app.example.com', 'example.com'],
  ['example.com', 'app.example.com', 'example.com'],
  ['auth.example.com', '*.apps.example.com', 'example.com'],
  ['auth.example.co.uk', 'app.example.co.uk', 'example.co.uk'],
  ['auth.me.duckdns.org', 'app.me.duckdns.org', 'me.duckdns.org'],
  ['mine.co.uk', 'yours.co.uk', undefined],
  ['auth.duckdns.org', 'app.duckdns.org', undefined],
  ['one.authgear.cloud', 'two.authgear.cloud', undefined],
  ['myapp.authgear.cloud', 'app.example.com', undefined],
  ['auth.example.com', 'app.example.net', undefined],
  ['authgear', 'app.example.com', undefined],
  ['localhost', 'localhost', undefined]
]

t.test('the longest domain that a cookie of both hosts can have', async (t) => {
  for (const [one, other, domain] of PAIRS) {
    t.equal(cookieDomainOf(one, other), domain, `${one}, ${other}`)
    t.equal(cookieDomainOf(other, one), domain, `${other}, ${one}`)
  }
})
