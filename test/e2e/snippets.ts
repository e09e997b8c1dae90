import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const DOCS = join(import.meta.dirname, '../../docs')

/** @returns the text of the fenced block with that title, as a reader copies it */
export function readSnippet (page: string, title: string): string {
  const [, rest] = readFileSync(join(DOCS, page), 'utf8').split(` title="${title}"\n`, 2)
  const end = rest?.indexOf('\n```') ?? -1
  if (rest === undefined || end === -1) throw new Error(`docs/${page} has no block with the title ${title}`)
  return rest.slice(0, end + 1)
}

/** The options of `snippet` as docs/policies.md has them: four routes, each with a policy. */
export const ROUTES: readonly string[] = [
  ...readSnippet('policies.md', 'policies').matchAll(/--policy '([^']+)'/g)
].flatMap(([, rule = '']) => ['--policy', rule])

/** @throws where the configuration no longer has what is to be replaced */
export function swap (written: string, from: string | RegExp, to: string): string {
  const swapped = written.replace(from, () => to)
  if (swapped === written) throw new Error(`the configuration changed: ${from} is no longer in it`)
  return swapped
}
