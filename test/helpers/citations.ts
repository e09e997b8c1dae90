import { posix } from 'node:path'
import { createPathTree, type PathTree, type Repository } from './path-tree.ts'
import { commentsOf, keep, keepOut, rangesOf, withoutUrls } from './source-text.ts'

/** A name in a comment or on a page that leads nowhere. */
export type Offender = Readonly<{ file: string, line: number, citation: string, why: string }>

type Named = Readonly<{ at: number, citation: string }>
type Found = Named & Readonly<{ why: string }>

/** History is not rewritten, and what was recorded is not ours. */
const EXEMPT = /^(?:CHANGELOG\.md$|test\/fixtures\/)/
const SCRIPT = /\.(?:ts|mts|mjs|cjs|js)$/
const WITH_HASH = /\.(?:sh|py|ya?ml|awk|conf|inc|cfg|tpl)$|(?:^|\/)(?:Dockerfile|Caddyfile|run|\.env\.example|\.taprc)$/

/** A comment cites from the root. */
const ROOTED = /(?<![\w./@*-])(?:src|test|deploy|docs|\.ci|\.github)\/[\w./*-]*/g
const PAGE = /(?<![\w@*-])[\w./-]+\.md\b/g
const SOURCE = /(?<![\w./@*-])[\w/-]+(?:\.test)?\.(?:ts|mts|mjs|cjs|lua|sh|awk)\b(?!\.)/g
/** A page has headings: numbers change silently. */
const SECTION = /\b(?:interface|design) \d[\d.]*|[\w./-]+\.md`? §?\d[\d.]*/gi
const HEADING = /([\w./-]+\.md),? "([^"\n]+)"/g
/** `core/jwt`, as these pages name what is in `src/`. */
const MODULE = /(?<=[`"])[a-z-]+\/[a-z/-]*(?=[`"]|<br)/g
const OF_MODULES = /^docs\/inside\/(?:architecture|revocation-(?:protocol|rules|tests))\.md$/
/** With its text, which may be the last part of the page that it leads to. */
const LINK = /(?:\[[^[\]]*)?\]\(([^)\s]+)\)/g
/** What follows stands for any name. */
const PLACEHOLDER = /[<{$[…]/

/** Every offender, in the order of the files; one for each place. */
export function findOffenders (repository: Repository): Offender[] {
  const tree = createPathTree(repository)
  return repository.paths.filter((path) => !EXEMPT.test(path)).flatMap((file) => {
    const judge = judgeOf(file)
    if (judge === undefined) return []
    const text = withoutUrls(repository.read(file))
    const lineOf = (at: number): number => text.slice(0, at).split('\n').length
    const first = new Map(judge(text, tree).toReversed().map((found) => [found.at, found]))
    return [...first.values()].toReversed().map(({ at, citation, why }) => ({ file, line: lineOf(at), citation, why }))
  })
}

type Judge = (text: string, tree: PathTree) => Found[]

function judgeOf (file: string): Judge | undefined {
  if (file.endsWith('.md')) return (text, tree) => judgePage(file, text, tree)
  if (SCRIPT.test(file)) return judgeScript
  if (file.endsWith('.lua')) return (text, tree) => judgeComments(keep(text, rangesOf(text, /--.*$/gm)), tree)
  if (!WITH_HASH.test(file)) return undefined
  return (text, tree) => judgeComments(keep(text, rangesOf(text, /(?<=^|\s)#.*$/gm)), tree)
}

/** To parse is slow: only where the file as a whole names something that is not there. */
function judgeScript (text: string, tree: PathTree): Found[] {
  if (judgeComments(text, tree).length === 0) return []
  const comments = commentsOf(text)
  return [...judgeComments(keep(text, comments), tree), ...judgeStrings(keepOut(text, comments), tree)]
}

function judgeComments (text: string, tree: PathTree): Found[] {
  return [
    ...sections(text),
    ...all(text, PAGE).filter(({ citation }) => !tree.hasFile(citation))
      .map(because('no such page: cite it from the root')),
    ...rooted(text, tree),
    ...sources(text, tree),
    ...headings(text, tree, (page) => page)
  ]
}

/** What a program tells people to read, and what a test is called. */
function judgeStrings (text: string, tree: PathTree): Found[] {
  const pages = all(text, ROOTED).filter(({ citation }) => /^[^*]*\.md$/.test(citation) && !tree.hasFile(citation))
  return [...sections(text), ...pages.map(because('no such page'))]
}

function judgePage (file: string, text: string, tree: PathTree): Found[] {
  const fromHere = (path: string): string => posix.join(posix.dirname(file), path)
  const locate = (page: string): string => tree.hasFile(page) ? page : fromHere(page)
  const rest = keepOut(text, rangesOf(text, LINK))
  return [
    ...Array.from(text.matchAll(LINK), ({ index, 1: citation = '' }) => ({ at: index, citation }))
      .flatMap((link) => judgeLink(link, file, fromHere, tree)),
    ...sections(rest),
    ...all(rest, PAGE).filter(({ citation }) => !tree.hasFile(locate(citation))).map(because('no such page')),
    ...rooted(rest, tree),
    ...sources(rest, tree),
    ...headings(rest, tree, locate),
    ...OF_MODULES.test(file) ? modules(rest, tree) : []
  ]
}

function judgeLink (link: Named, file: string, fromHere: (path: string) => string, tree: PathTree): Found[] {
  if (/^[a-z]+:/.test(link.citation)) return []
  const [path = '', anchor] = link.citation.split('#')
  const target = path === '' ? file : fromHere(path)
  if (!tree.has(target)) return [because('the link leads to no file')(link)]
  const isThere = anchor === undefined || !tree.hasFile(target) || tree.hasHeading(target, anchor)
  return isThere ? [] : [because('the page has no such heading')(link)]
}

function sections (text: string): Found[] {
  return all(text, SECTION).map(because('a bare section number: cite a page, and its heading in quotes'))
}

function rooted (text: string, tree: PathTree): Found[] {
  const isThere = ({ at, citation }: Named): boolean => {
    const isOpen = PLACEHOLDER.test(text[at + citation.length] ?? '')
    return tree.has(isOpen ? posix.dirname(`${citation}x`) : citation)
  }
  const isPage = ({ citation }: Named): boolean => /^[^*]*\.md$/.test(citation)
  return all(text, ROOTED).filter((named) => !isPage(named) && !isThere(named)).map(because('no such file or folder'))
}

function sources (text: string, tree: PathTree): Found[] {
  const isRooted = ({ citation }: Named): boolean => /^(?:src|test|deploy|docs)\//.test(citation)
  return all(text, SOURCE).filter((named) => !isRooted(named) && !tree.hasEnd(named.citation))
    .map(because('no such file'))
}

function modules (text: string, tree: PathTree): Found[] {
  return all(text, MODULE).filter(({ citation }) => !tree.hasEnd(citation)).map(because('no such module'))
}

function headings (text: string, tree: PathTree, locate: (page: string) => string): Found[] {
  return [...text.matchAll(HEADING)]
    .map(({ index, 0: citation, 1: page = '', 2: title = '' }) => ({ at: index, citation, page: locate(page), title }))
    .filter(({ page, title }) => tree.hasFile(page) && !tree.hasHeading(page, title))
    .map(because('the page has no such heading'))
}

function because (why: string): (named: Named) => Found {
  return ({ at, citation }) => ({ at, citation, why })
}

/** A full stop or a slash at the end is the sentence's. */
function all (text: string, pattern: RegExp): Named[] {
  const withoutEnd = (found: string): string => found.replace(/[./]+$/, '')
  return Array.from(text.matchAll(pattern), ({ index, 0: found }) => ({ at: index, citation: withoutEnd(found) }))
}
