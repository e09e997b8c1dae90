import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../docs')
const ROUTES = /[ \t]+# routes and their policies: docs\/policies\.md\n[^]*?\n(?=(?:\t| {2})\}\n\})/

/** @returns the text of the fenced block with that title, as a reader copies it */
export function readSnippet (page: string, title: string): string {
  const [, rest] = readFileSync(join(DOCS, page), 'utf8').split(` title="${title}"\n`, 2)
  const end = rest?.indexOf('\n```') ?? -1
  if (rest === undefined || end === -1) throw new Error(`docs/${page} has no block with the title ${title}`)
  return rest.slice(0, end + 1)
}

/** In place of the routes that are shipped, to the end of the site; what comes before them stays. */
export function replaceRoutes (shipped: string, routes: string): string {
  return swap(shipped, ROUTES, routes)
}

/** @throws where the shipped configuration no longer has what is to be replaced */
export function swap (shipped: string, from: string | RegExp, to: string): string {
  const swapped = shipped.replace(from, () => to)
  if (swapped === shipped) throw new Error(`the shipped configuration changed: ${from} is no longer in it`)
  return swapped
}
