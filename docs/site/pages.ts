import { posix } from 'node:path'

/** The files of the repository that are pages of the site. */
export const isPage = (path: string): boolean =>
  /^(?:(?:README|CONTRIBUTING|SECURITY)\.md|docs\/(?!site\/).*\.md)$/.test(path)

/** The site has the pictures where the repository has them. */
const isServed = (path: string): boolean => isPage(path) || path.startsWith('docs/images/')

/** VitePress calls a folder's first page index. */
export const asIndex = (path: string): string => path.replace(/(^|\/)README\.md$/, '$1index.md')

/** Of a page, from the site's root. */
const addressOf = (path: string): string => `/${asIndex(path).replace(/\.md$/, '.html').replace(/(^|\/)index\.html$/, '$1')}`

/** As GitHub makes an anchor of a heading, so that a link holds in both places. */
export const anchorOf = (heading: string): string =>
  heading.toLowerCase().replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').trim().replaceAll(' ', '-')

export type Links = Readonly<{
  /** What the repository has under a path. */
  kindOf: (path: string) => 'file' | 'folder' | undefined
  /** The repository's address on the web: links to what the site has not lead there. */
  repository: string
}>

type Target = Readonly<{ path: string, address: string }>

/** Undefined for an address of the web or of the page itself. Throws for a link that leads nowhere. */
export function targetOf ({ kindOf, repository }: Links, page: string, href: string): Target | undefined {
  if (/^(?:[a-z]+:|[/#])/i.test(href)) return undefined
  const [link = '', anchor] = href.split('#')
  const path = posix.join(posix.dirname(page), link).replace(/\/$/, '')
  const kind = kindOf(path)
  if (kind === undefined) throw new Error(`${page}: the link ${href} leads nowhere`)
  const address = isPage(path) ? addressOf(path) : `${repository}/${kind === 'file' ? 'blob' : 'tree'}/main/${path}`
  return { path, address: anchor === undefined ? address : `${address}#${anchor}` }
}

/** A page's Markdown twin lies where the repository has the page: only links out of the site change. */
export const twinOf = (links: Links, page: string, text: string): string =>
  text.replaceAll(/(?<=\]\()[^)\s]+(?=\))/g, (href) => {
    const target = targetOf(links, page, href)
    return target === undefined || isServed(target.path) ? href : target.address
  })
