import { randomBytes } from 'node:crypto'

/** A header as a client would forge it, and a value that nothing else holds. */
export type Forged = Readonly<{ name: string, value: string }>

/** Envoy takes a hundred headers at most; so many forged ones go into one request. */
const IN_ONE_REQUEST = 40

/** Each name in the spellings that many apps read as the same one (CGI, WSGI, PHP). */
export function forge (names: readonly string[], mark = randomBytes(6).toString('hex')): readonly Forged[][] {
  const spellings = names.flatMap((name) => [name, name.replaceAll('-', '_'), name.replaceAll('-', '.')])
  const forged = [...new Set(spellings)].map((name, index) => ({ name, value: `doctor${mark}n${index}n` }))
  const batches: Forged[][] = []
  for (let i = 0; i < forged.length; i += IN_ONE_REQUEST) batches.push(forged.slice(i, i + IN_ONE_REQUEST))
  return batches
}

/** @returns the forged names whose value an app shows, in whatever form it shows headers */
export function survivors (forged: readonly Forged[], body: string): readonly string[] {
  return forged.filter(({ value }) => body.includes(value)).map(({ name }) => name)
}

/**
 * What an echo page says that it got under a name: `Name: value` by lines, or JSON with one value or a list.
 * @returns undefined where it shows no such header, or an empty one
 */
export function valueIn (body: string, name: string): string | undefined {
  const between = '["\']?(?:\\s*</t[hd]>\\s*<t[hd]>|\\s*[:=])\\s*\\[?\\s*"?'
  const pattern = new RegExp(`(?:^|[\\s"'{,>])${name}${between}([^"\\r\\n<]*)`, 'i')
  const value = pattern.exec(body)?.[1]?.trim().replace(/,$/, '')
  return value === undefined || value === '' || value === ']' ? undefined : value
}
