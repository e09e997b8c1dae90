import t from 'tap'
import { PROXIES } from '../../../src/commands/snippet/proxies.ts'
import { errorsOf, filesOf, settingsOf, textOf } from './snippet-of.ts'

const URI = 'https://app.example.com/mcp'
const ARGS = ['--resource', `${URI}=/mcp`, '--scope', 'a', '--policy', '/admin=role=admin']

/** What a route for tokens lets in is narrow: that path, and what is below it. */
const OF_TOKENS = ['', '/', '/x', '/x/../y']
/** What a policy asks more of is wide: also what some app reads as that path. */
const OF_A_POLICY = [
  ...OF_TOKENS, ';x', ';x/y', '.', './x', '..', '%20', '%3bx', '%2e', '=', ',x', '.;x', '.html', '.x/y', '..x'
]
/** Other names that begin so. */
const SIBLINGS = ['istration', '-other', '_x', '1', '~', '-x.html']

/** In quotes of any kind, perhaps without case, perhaps to be looked for and not compared as a whole. */
const PATTERN = /['"`](\(\?i\))?(\^?)(\/(?:mcp|admin|MCP)[^'"`]*)['"`]/g

/** Of every route for that path: does it match? Whether without case is said beside it (`~*`, `-i`), or in it. */
function matchersOf (text: string, path: string): ReadonlyArray<(url: string) => boolean> {
  return [...text.matchAll(PATTERN)].filter(([, , , pattern]) => pattern?.startsWith(path)).map(
    ([, flag, start, pattern = ''], i, all) => {
      const line = text.slice(text.lastIndexOf('\n', all[i]?.index) + 1, all[i]?.index)
      const isAnyCase = flag !== undefined || /~\*|-i $|^ +- path: $/.test(line)
      const isSearch = start !== '' || /^ +- path: $/.test(line)
      const expression = pattern.replaceAll('\\\\', '\\').replaceAll('$$', '$').replaceAll('\\z', '$')
      const compiled = new RegExp(isSearch ? `^${expression}` : `^(?:${expression})$`, isAnyCase ? 'i' : '')
      return (url) => compiled.test(url)
    }
  )
}

const taken = (matchers: ReadonlyArray<(url: string) => boolean>, urls: readonly string[]): readonly string[] =>
  urls.filter((url) => matchers.some((matches) => matches(url)))

for (const proxy of PROXIES) {
  t.test(`${proxy}: a route is a path and all below it`, async (t) => {
    const text = textOf(filesOf(proxy, ...ARGS))
    for (const [path, own] of [['/mcp', OF_TOKENS], ['/admin', OF_A_POLICY]] as const) {
      const matchers = matchersOf(text, path)
      t.ok(matchers.length > 0, path)
      const urls = own.flatMap((end) => [`${path}${end}`, `${path.toUpperCase()}${end}`])
      t.strictSame(taken(matchers, urls), urls)
      const others = [...SIBLINGS, ...OF_A_POLICY.filter((end) => !own.includes(end))].map((end) => `${path}${end}`)
      t.strictSame(taken(matchers, [...others, `/x${path}`, ...others.map((url) => url.toUpperCase())]), [])
    }
  })
}

for (const proxy of PROXIES) {
  t.test(`${proxy}: with --case-sensitive a route has the case that was written`, async (t) => {
    const args = ['--case-sensitive', '--resource', `${URI}=/MCP`, '--scope', 'a', '--policy', '/admin=role=admin']
    const text = textOf(filesOf(proxy, ...args))
    for (const [path, other] of [['/MCP', '/mcp'], ['/admin', '/Admin']] as const) {
      const matchers = matchersOf(text, path)
      t.strictSame(taken(matchers, [`${path}/x`, other, `${other}/x`]), [`${path}/x`])
    }
  })
}

t.test('a path below a route needs its policy, a sibling does not', async (t) => {
  const { routes } = settingsOf(...ARGS, '--policy', '/mcp-admin=role=admin', '--policy', '/mcp/x=role=editor')
  t.strictSame(routes.map(({ path, policy, isOfTokens }) => [path, policy, isOfTokens]), [
    ['/mcp-admin', 'role=admin', false],
    ['/admin', 'role=admin', false],
    ['/mcp/x', `resource=${URI}&scope=a&role=editor`, false],
    ['/mcp', `resource=${URI}&scope=a`, true]
  ])
})

t.test('a policy of a path for tokens holds for those of its spellings that are not', async (t) => {
  const { routes } = settingsOf(...ARGS, '--policy', '/mcp=role=editor')
  t.strictSame(routes.filter(({ path }) => path === '/mcp').map(({ policy, isOfTokens }) => [policy, isOfTokens]), [
    [`role=editor&resource=${URI}&scope=a`, true],
    ['role=editor', false]
  ])
})

t.test('each path that a wide route matches needs that route\'s policy', async (t) => {
  const { routes } = settingsOf(
    '--policy', '/reports=role=finance', '--policy', '/reports.csv=max_age=300', '--resource', `${URI}=/reports.api`,
    '--scope', 'a', '--policy', '/reports-old=verified=true'
  )
  t.strictSame(routes.map(({ path, policy }) => [path, policy]), [
    ['/reports-old', 'verified=true'],
    ['/reports.api', `role=finance&resource=${URI}&scope=a`],
    ['/reports.csv', 'role=finance&max_age=300'],
    ['/reports', 'role=finance']
  ])
})

for (const proxy of ['envoy-gateway', 'gateway-api']) {
  t.test(`${proxy}, where the longest expression wins: in the order of the routes`, async (t) => {
    const args = ['--policy', '/a=role=x', '--resource', `${URI}=/a/b`, '--scope', 'a', '--policy', '/a/b=role=y']
    const patterns = [...textOf(filesOf(proxy, ...args)).matchAll(/['"]((?:\(\?i\))?\^?\/a[^'"]*)['"]/g)]
    const lengths = patterns.map(([, pattern = '']) => pattern.length)
    t.equal(lengths.length, 3)
    t.strictSame(lengths, lengths.toSorted((a, b) => b - a))
    t.equal(new Set(lengths).size, 3, 'no two are as long')
  })
}

t.test('a public site has no route for tokens: a spelling of it would ask nobody', async (t) => {
  t.match(errorsOf('--public', '--resource', `${URI}=/mcp`, '--scope', 'a', '--policy', '/x=role=a'), [/--public cannot/])
})

t.test('a path has no more than Envoy compiles', async (t) => {
  t.strictSame(errorsOf('--policy', `/${'k'.repeat(63)}=role=a`), [])
  t.match(errorsOf('--policy', `/${'k'.repeat(64)}=role=a`), [/64 characters at most/])
  t.match(errorsOf('--resource', `${URI}=/${'k'.repeat(64)}`, '--scope', 'a'), [/64 characters at most/])
})
