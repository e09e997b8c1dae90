import t from 'tap'
import { basicTokenOf, isOfAPage, readPair } from '../../../../src/parts/tokens/basic/sent.ts'

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')
const ORIGIN = 'https://api.example.com'

/** Header lines, and the token behind `Basic`. */
const LINES: ReadonlyArray<readonly [lines: readonly string[], token: string | undefined]> = [
  [['Authorization', 'Basic YTpi'], 'YTpi'],
  [['AUTHORIZATION', 'BASIC   YTpi  '], 'YTpi'],
  [['Host', 'x', 'authorization', 'basic YTpi'], 'YTpi'],
  [['Authorization', 'Basic'], ''],
  [['Authorization', 'Basic '], ''],
  [['Authorization', 'Basics YTpi'], undefined],
  [['Authorization', 'Bearer YTpi'], undefined],
  [['Authorization', ' Basic YTpi'], undefined],
  [['Authorization', ''], undefined],
  [['X-Authorization', 'Basic YTpi'], undefined],
  [['Authenticate-', 'Basic YTpi'], undefined],
  [['Authorization', 'Bearer x', 'Authorization', 'Basic YTpi'], undefined],
  [[], undefined]
]

t.test('the first Authorization line says whether it is Basic', async (t) => {
  for (const [lines, token] of LINES) t.equal(basicTokenOf(lines), token, lines.join(': '))
})

/** What a browser adds to a request, and whether it is for a page or by a script of another site. */
const PAGES: ReadonlyArray<readonly [lines: readonly string[], isOfAPage: boolean]> = [
  [[], false],
  [['Origin', ORIGIN], false],
  [['ORIGIN', 'https://other.example.com'], true],
  [['Origin', `${ORIGIN}/`], true],
  [['Origin', 'null'], true],
  [['Sec-Fetch-Mode', 'navigate'], true],
  [['sec-fetch-mode', 'nested-navigate'], true],
  [['Sec-Fetch-Mode', 'cors'], false],
  [['Sec-Fetch-Site', 'same-origin'], false],
  [['Sec-Fetch-Site', 'none'], false],
  [['Sec-Fetch-Site', 'same-site'], true],
  [['SEC-FETCH-SITE', 'cross-site'], true],
  [['Sec-Fetch-Dest', 'document'], false],
  [['Accept', 'Origin', 'Sec-Fetch-Useful', 'navigate'], false],
  [['Origin', ORIGIN, 'Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Mode', 'cors'], false],
  [['Origin', ORIGIN, 'Sec-Fetch-Mode', 'cors', 'Sec-Fetch-Site', 'cross-site'], true],
  [['Origin', ORIGIN, 'Origin', 'https://other.example.com'], true]
]

t.test('a password that a browser attaches to a page or for another site is none', async (t) => {
  for (const [lines, expected] of PAGES) t.equal(isOfAPage(lines, ORIGIN), expected, lines.join(': '))
})

const GOOD: ReadonlyArray<readonly [text: string, clientId: string, secret: string]> = [
  ['a:b', 'a', 'b'],
  ['a:b:c', 'a', 'b:c'],
  ['a::', 'a', ':'],
  ['!~:é ü', '!~', 'é ü'],
  [`${'c'.repeat(256)}:s`, 'c'.repeat(256), 's'],
  [`a:${'s'.repeat(1024)}`, 'a', 's'.repeat(1024)],
  ['a:\ufeffb', 'a', '\ufeffb']
]

t.test('a pair is split at its first colon', async (t) => {
  for (const [text, clientId, secret] of GOOD) {
    t.strictSame(readPair(base64(text)), { clientId, secret }, text.slice(0, 20))
  }
})

t.test('what no client of Authgear’s sends is no pair', async (t) => {
  for (const text of [
    '', 'a', ':', 'a:', ':b', 'a b:c', 'é:c', `${'c'.repeat(257)}:s`, `a:${'s'.repeat(1025)}`, 'a:b\n', 'a:\u0000',
    'a:\u0085', Buffer.from([0x61, 0x3a, 0xff]), Buffer.from([0x61, 0x3a, 0xc0, 0xaf])
  ]) t.equal(readPair(base64(text)), undefined, JSON.stringify(String(text)).slice(0, 20))
  for (const token of ['YTpi=', 'YTpi\n', 'YTp_', 'YTo', `${base64('a:b')}====`, base64('a:b').slice(0, -1)]) {
    t.equal(readPair(token), undefined, `${token}: another spelling`)
  }
  t.equal(readPair('Y'.repeat(2049)), undefined)
})
