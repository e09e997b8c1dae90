/** What a page of the site has, and where it leads to: from its HTML. */
export type Built = Readonly<{ address: string, html: string }>

const attributesOf = (html: string, pattern: RegExp): readonly string[] =>
  Array.from(html.matchAll(pattern), ([, value = '']) => value.replaceAll('&amp;', '&'))

/** The links of the site whose page or anchor is not there. @param files what the site has besides its pages */
export function deadLinks (pages: readonly Built[], files: ReadonlySet<string>): readonly string[] {
  const anchors = new Map(pages.map(({ address, html }) => [address, new Set(attributesOf(html, / id="([^"]+)"/g))]))
  return pages.flatMap(({ address, html }) => {
    const hrefs = new Set(attributesOf(html, /<a (?:[^>]*? )?href="([^"]*)"/g))
    return [...hrefs].filter((href) => {
      const { origin, pathname, hash } = new URL(href, `site:${address}`)
      if (origin !== 'null' || !href) return false
      const ids = anchors.get(pathname)
      return ids === undefined ? !files.has(pathname) : hash !== '' && !ids.has(decodeURIComponent(hash.slice(1)))
    }).map((href) => `${address}: ${href}`)
  })
}
