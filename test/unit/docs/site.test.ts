import { readFileSync } from 'node:fs'
import t from 'tap'
import { deadLinks } from '../../../docs/site/dead-links.ts'
import { sectionsOf, sidebarOf } from '../../../docs/site/outline.ts'
import { targetOf, twinOf, type Links } from '../../../docs/site/pages.ts'
import { preferMoreWords, queryTokensOf, tokensOf } from '../../../docs/site/search.ts'

const KINDS: Readonly<Record<string, 'file' | 'folder'>> = {
  'README.md': 'file', 'docs/README.md': 'file', 'docs/login.md': 'file', 'src/main.ts': 'file', deploy: 'folder'
}
const links: Links = { kindOf: (path) => KINDS[path], repository: 'https://git.example/us/it' }

for (const [page, href, address] of [
  ['README.md', 'docs/login.md#two-ways', '/docs/login.html#two-ways'],
  ['docs/login.md', '../README.md#try-it', '/#try-it'],
  ['README.md', 'docs/README.md', '/docs/'],
  ['docs/login.md', '../src/main.ts', 'https://git.example/us/it/blob/main/src/main.ts'],
  ['docs/login.md', '../deploy/', 'https://git.example/us/it/tree/main/deploy'],
  ['docs/login.md', '#two-ways', undefined],
  ['docs/login.md', 'https://example.com', undefined]
] as const) {
  t.test(`the link ${href} of ${page} leads to ${address ?? 'where it says'}`, async (t) => {
    t.equal(targetOf(links, page, href)?.address, address)
  })
}

t.test('a link to no file of the repository ends the build', async (t) => {
  t.throws(() => targetOf(links, 'docs/login.md', 'gone.md'), /docs\/login.md: the link gone.md leads nowhere/)
})

t.test('in a Markdown twin only links out of the site change', async (t) => {
  t.equal(twinOf(links, 'docs/login.md', '[a](../README.md) [b](../src/main.ts)'),
    '[a](../README.md) [b](https://git.example/us/it/blob/main/src/main.ts)')
})

t.test('a page and an anchor that the built site has not are dead', async (t) => {
  const pages = [
    { address: '/', html: '<a class="x" href="/docs/a.html#there">' },
    {
      address: '/docs/a.html',
      html: '<h2 id="there"><a href="#gone"><a href="/llms.txt"><a href="../"><a href="b.html"><a href="https://b.example/#x">'
    }
  ]
  t.strictSame(deadLinks(pages, new Set(['/llms.txt'])), ['/docs/a.html: #gone', '/docs/a.html: b.html'])
})

t.test('the sidebar has the links of docs/README.md, each of at most three words', async (t) => {
  const map = readFileSync(new URL('../../../docs/README.md', import.meta.url), 'utf8')
  const groups = sidebarOf({ ...links, kindOf: () => 'file' }, sectionsOf(map))
  const entries = groups.flatMap(({ items }) => items)
  t.equal(entries.length, map.match(/\]\(/g)?.length)
  for (const { text } of [...groups, ...entries]) t.ok(text.split(' ').length <= 3, text)
  t.ok(entries.some(({ text, link }) => text === 'Login' && link === '/docs/login.html'))
})

for (const [query, text] of [
  ['e-mail', 'the e-mail address'], ['email', 'the e-mail address'], ['E-Mail', 'E-Mail'],
  ['cookie_domain', '`http.cookie_domain`'], ['domain', 'cookie_domain'], ['forward auth', 'x-forward-auth-reason'],
  ['letsencrypt', 'a certificate of Let\'s Encrypt'], ['let\'s encrypt', 'Let’s Encrypt'],
  ['lets encrypt', 'Let\'s Encrypt'],
  ['homeassistant', 'Home Assistant'], ['doesnt', 'it doesn\'t']
] as const) {
  t.test(`a search for "${query}" matches "${text}"`, async (t) => {
    // MiniSearch reads both in small letters
    const indexed = tokensOf(text).map((term) => term.toLowerCase())
    for (const term of queryTokensOf(query).map((one) => one.toLowerCase())) t.ok(indexed.includes(term), term)
  })
}

t.test('common words of a query count only where there are no others', async (t) => {
  t.strictSame(queryTokensOf('How do I get a 503'), ['get', '503'])
  t.strictSame(queryTokensOf('Who is it'), ['Who', 'is', 'it'])
})

t.test('more of the words of a query outweigh how often one is there', async (t) => {
  const scoreOf = (queryTerms: string[], score: number): number => {
    const result = { queryTerms, score }
    t.ok(preferMoreWords(result), 'none is left out')
    return result.score
  }
  t.ok(scoreOf(['nextcloud', 'phone'], 10) > scoreOf(['phone'], 90))
  t.ok(scoreOf(['nextcloud', 'phone'], 11) > scoreOf(['android', 'phone'], 10))
})
