import t from 'tap'
import { createReturnUrls } from '../../../../src/parts/login/flow/return-url.ts'

const { read, fallback } = createReturnUrls({
  publicUrl: 'https://app.example.com',
  path: '/_auth',
  allowedHosts: ['app.example.com', 'www.example.com', '*.apps.example.com']
})

t.equal(fallback, 'https://app.example.com/')

/** What is read, and as what; itself where nothing else is said. */
const TAKEN: ReadonlyArray<readonly [text: string, url?: string]> = [
  ['https://app.example.com/'],
  ['https://app.example.com', 'https://app.example.com/'],
  ['https://app.example.com:443/x', 'https://app.example.com/x'],
  ['https://www.example.com/a/b?c=d&e=f'],
  ['https://a.apps.example.com/'],
  ['https://a.b.apps.example.com/'],
  ['https://app.example.com?x=1', 'https://app.example.com/?x=1'],
  ['https://app.example.com/a/../b', 'https://app.example.com/b'],
  ['https://app.example.com/p?next=https://evil.example.net/&rd=//evil.example.net'],
  ['https://app.example.com/s?q=%0d%0aLocation:%20//evil'],
  ['https://app.example.com/s?q=\\d+', 'https://app.example.com/s?q=\\d+'],
  ['https://app.example.com/s?q="<b>', 'https://app.example.com/s?q=%22%3Cb%3E'],
  ['https://app.example.com/a|b^c`{d}', 'https://app.example.com/a|b^c%60%7Bd%7D'],
  ['https://app.example.com//evil.example.net/'],
  ['https%3A%2F%2Fapp.example.com%2Fx%3Fa%3D1%26b%3D2', 'https://app.example.com/x?a=1&b=2'],
  ['https%3a%2f%2Fapp.example.com/x', 'https://app.example.com/x'],
  ['https://app.example.com/_authx'],
  ['https://www.example.com/_auth/login'],
  [`https://app.example.com/${'x'.repeat(2048 - 24)}`]
]

for (const [text, url = text] of TAKEN) {
  t.test(`back to ${text.slice(0, 80)}`, async (t) => {
    const canonical = read(text)
    t.ok(canonical === url || canonical === new URL(url).href, `is ${canonical}`)
    t.equal(read(canonical ?? ''), canonical, 'and stays so when it is read again')
  })
}

const REFUSED: readonly string[] = [
  '',
  '/',
  '/page',
  '//app.example.com/',
  'app.example.com',
  'http://app.example.com/',
  'HTTPS://app.example.com/',
  'https:app.example.com',
  'https:/app.example.com/',
  'https:///app.example.com/',
  'https://App.example.com/',
  'https://app.example.com./',
  'https://app.example.com:444/',
  'https://app.example.com:0443/',
  'https://app.example.com:80/',
  'https://app.example.com:/',
  'https://apps.example.com/',
  'https://.apps.example.com/',
  'https://xapps.example.com/',
  'https://example.com/',
  'https://app.example.com.evil.example.net/',
  'https://evilapp.example.com/',
  'https://app.example.com@evil.example.net/',
  'https://user@app.example.com/',
  'https://user:pw@app.example.com/',
  'https://@app.example.com/',
  'https://app.example.com:443@evil.example.net/',
  'https://app.example.com\\@evil.example.net/',
  'https://evil.example.net\\@app.example.com/',
  'https:\\\\app.example.com/',
  'https://app.example.com/\\evil',
  'https://app.example.com\\/x',
  'https://app.example.com#@evil.example.net/',
  'https://app.example.com/#x',
  'https://app.example.com/?x#y',
  'https://app.example.com/ x',
  ' https://app.example.com/',
  'https://app.example.com/\t',
  '\thttps://app.example.com/',
  'https://app.example.com/\r\nx: y',
  'https://app.example.com/\0',
  'https://app.\nexample.com/',
  'https://aрp.example.com/',
  'https://app。example.com/',
  'https://app.example.com/é',
  'https://xn--pp-8cd.example.com/',
  'https://app%2eexample.com/',
  'https://%61pp.example.com/',
  'https://app.example.com%00.evil.example.net/',
  'https://app.example.com%2f@evil.example.net',
  'https%253A%252F%252Fapp.example.com%252F',
  'https%3A%2F%2Fevil.example.net%2F',
  'https%3A%2F%2Fapp.example.com%5C%40evil.example.net',
  'https%3A%2F%2Fapp.example.com%2F%0d%0ax',
  'https%3A%2F%2Fapp.example.com%2F%ff',
  'http%3A%2F%2Fapp.example.com%2F',
  'javascript:alert(1)',
  'data:text/html,x',
  'blob:https://app.example.com/x',
  'https://[::1]/',
  'https://127.0.0.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  // back to a login without end, or to a sign-out that nobody asked for
  'https://app.example.com/_auth/login',
  'https://app.example.com/_auth/logout',
  'https://app.example.com/_auth/logout?x',
  'https://app.example.com/_auth',
  'https://app.example.com/%5Fauth/logout',
  'https://app.example.com//_auth//logout',
  'https://app.example.com/x/../_auth/logout',
  'https://app.example.com:443/_auth/callback?state=x',
  `https://app.example.com/${'x'.repeat(2048 - 23)}`,
  // short as they arrive, and too long as the state carries them
  `https://app.example.com/${'{'.repeat(1000)}`, `https://app.example.com/?${'\\'.repeat(1500)}`
]

for (const text of REFUSED) {
  t.test(`not back to ${JSON.stringify(text).slice(0, 80)}`, async (t) => { t.equal(read(text), undefined) })
}

t.test('an address as a name of its own is compared as it is', async (t) => {
  const { read } = createReturnUrls({
    publicUrl: 'https://app.example.com', path: '/_auth', allowedHosts: ['127.0.0.1']
  })
  t.equal(read('https://127.0.0.1/'), 'https://127.0.0.1/')
  for (const other of ['https://127.1/', 'https://0x7f.0.0.1/', 'https://2130706433/', 'https://127.0.0.01/']) {
    t.equal(read(other), undefined, other)
  }
})
