import { targetOf, type Links } from './pages.ts'

const MAP = 'docs/README.md'

type Link = Readonly<{ text: string, href: string }>
/** A line of docs/README.md: pages, and what they help people do. */
type Row = Readonly<{ pages: readonly Link[], purpose: string }>
type Section = Readonly<{ title: string, rows: readonly Row[] }>

export function sectionsOf (map: string): readonly Section[] {
  return map.split(/^## /m).slice(1).map((section) => {
    const [title = '', ...lines] = section.split('\n')
    const entries = lines.filter((line) => line.startsWith('- ')).map((line) => /^- (.+?\)): (.+)$/.exec(line) ?? [])
    const rows = entries.map(([, pages = '', purpose = '']) => ({ pages: linksIn(pages), purpose: plain(purpose) }))
    return { title, rows }
  })
}

const plain = (markdown: string): string => markdown.replaceAll(/`|\*\*|\[([^\]]+)\]\([^)]+\)/g, '$1')

const linksIn = (cell: string): readonly Link[] =>
  Array.from(cell.matchAll(/\[([^\]]+)\]\(([^)]+)\)/g), ([, text = '', href = '']) => ({ text: plain(text), href }))

/** A group for each heading of docs/README.md, and an entry for each of its pages. */
export const sidebarOf = (links: Links, sections: readonly Section[]) => sections.map(({ title, rows }) => ({
  text: title,
  items: rows.flatMap(({ pages }) => pages)
    .map(({ text, href }) => ({ text, link: targetOf(links, MAP, href)?.address ?? href }))
}))

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
  const lines = sections.flatMap(({ title, rows }) => ['', `## ${title}`, ...rows.flatMap(({ pages, purpose }) => {
    const paths = pages.map(({ href }) => targetOf(links, MAP, href)?.path ?? '').filter((path) => linkTo.has(path))
    for (const path of paths) named.add(path)
    return paths.map((path) => `${linkTo.get(path)}: ${purpose}`)
  })])
  const rest = pages.filter(({ path }) => !named.has(path)).map(({ path }) => linkTo.get(path))
  return [title, '', `> ${summary}`, ...lines, '', '## Optional', ...rest, ''].join('\n')
}
