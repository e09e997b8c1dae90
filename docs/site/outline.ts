import { targetOf, type Links } from './pages.ts'

const MAP = 'docs/README.md'
/** More pages than these in a row are a choice, and each is named. */
const ONE_ANSWER = 2

type Link = Readonly<{ text: string, href: string }>
/** A row of docs/README.md: what a person wants, and the pages for it. */
type Wish = Readonly<{ text: string, pages: readonly Link[] }>
type Section = Readonly<{ title: string, wishes: readonly Wish[] }>

export function sectionsOf (map: string): readonly Section[] {
  return map.split(/^## /m).slice(1).map((section) => {
    const [title = '', ...lines] = section.split('\n')
    const rows = lines.filter((line) => line.startsWith('| ')).slice(2).map((line) => line.split(' | '))
    const wishes = rows.map(([wish = '', cell = '']) => ({ text: plain(wish.slice(2)), pages: linksIn(cell) }))
    return { title, wishes }
  })
}

const plain = (markdown: string): string => markdown.replaceAll('`', '')

const linksIn = (cell: string): readonly Link[] =>
  Array.from(cell.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g), ([, text = '', href = '']) => ({ text: plain(text), href }))

/** A group for each heading of docs/README.md, in the words of a person who looks for something. */
export const sidebarOf = (links: Links, sections: readonly Section[]) => sections.map(({ title, wishes }) => ({
  text: title,
  items: wishes
    .flatMap(linksOf)
    .map(({ text, href }) => ({ text, link: targetOf(links, MAP, href)?.address ?? href }))
}))

const linksOf = ({ text, pages }: Wish): readonly Link[] =>
  pages.length > ONE_ANSWER ? pages : pages.slice(0, 1).map(({ href }) => ({ text, href }))

export type Page = Readonly<{ path: string, text: string }>

/**
 * What a language model reads first: https://llmstxt.org.
 * @param pages README.md is the first
 * @param base the site's path, with a slash at its end
 */
export function llmsText (links: Links, sections: readonly Section[], pages: readonly Page[], base: string): string {
  const [title = '', summary = ''] = pages[0]?.text.split('\n\n') ?? []
  const linkTo = new Map(pages.map(({ path, text }) => [path, `- [${/^# (.+)$/m.exec(text)?.[1]}](${base}${path})`]))
  const named = new Set<string>()
  const lines = sections.flatMap(({ title, wishes }) => ['', `## ${title}`, ...wishes.flatMap(({ text, pages }) => {
    const paths = pages.map(({ href }) => targetOf(links, MAP, href)?.path ?? '').filter((path) => linkTo.has(path))
    for (const path of paths) named.add(path)
    return paths.map((path) => `${linkTo.get(path)}: ${text}`)
  })])
  const rest = pages.filter(({ path }) => !named.has(path)).map(({ path }) => linkTo.get(path))
  return [title, '', `> ${summary}`, ...lines, '', '## Optional', ...rest, ''].join('\n')
}
