import { parseEnv } from 'node:util'

/** One variable with its lines: a value in quotes may have several. */
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*(?:"[^"]*"|'[^']*'|`[^`]*`)?[^\n]*\n?/gm

/**
 * Sets these variables, each where it was, and leaves all else as it is. Values have no quotes: `docker run --env-file`
 * would keep them.
 */
export function withVariables (there: string, wanted: Readonly<Record<string, string>>): string {
  const present = parseEnv(there)
  const changed = new Map(Object.entries(wanted).filter(([name, value]) => present[name] !== value))
  const lines = new Map([...changed].map(([name, value]) => [name, `${name}=${value}\n`]))
  const rest = there.replaceAll(ASSIGNMENT, (all, name: string) => {
    if (!changed.has(name)) return all
    const line = lines.get(name) ?? ''
    lines.delete(name)
    return line
  }).trimEnd()
  return `${rest === '' ? '' : `${rest}\n`}${[...lines.values()].join('')}`
}

/** What one of the readers of the file gives a meaning to: node, Compose, Docker or a shell. */
const SPECIAL = /["#$'\\`]/g

/** Percent-encodes it, which ALLOW reads as the character. */
export const withoutSpecial = (text: string): string =>
  text.replace(SPECIAL, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
