/** One challenge of a `WWW-Authenticate` line; its parameters keep their order and repetitions. */
export type Challenge = Readonly<{
  /** In lower case. */
  scheme: string
  /** Names in lower case. */
  parameters: ReadonlyArray<readonly [name: string, value: string]>
}>

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const PARAMETER = new RegExp(`^(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`)
const SCHEME = new RegExp(`^(${TOKEN})(?:[ \\t]+|(?=,)|$)`)
const TOKEN68 = /^[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/
const SEPARATOR = /^[ \t]*(?:,[ \t,]*|$)/

/**
 * Reads one line by the grammar of RFC 9110, section 11.6.1. A comma divides parameters as well as challenges, so what
 * follows it is a parameter if it has the form of one, and a scheme otherwise.
 * @returns undefined for a line that is not of that grammar
 */
export function parseChallenges (line: string): readonly Challenge[] | undefined {
  const challenges: Array<{ scheme: string, parameters: Array<readonly [string, string]> }> = []
  const text = createText(line.replace(/^[ \t,]+/, ''))
  while (!text.isRead()) {
    const parameter = challenges.length > 0 ? text.take(PARAMETER) : null
    if (parameter === null) {
      const [, scheme] = text.take(SCHEME) ?? []
      if (scheme === undefined) return undefined
      challenges.push({ scheme: scheme.toLowerCase(), parameters: [] })
      if (text.begins(PARAMETER)) continue
      text.take(TOKEN68)
    } else {
      const [, name = '', quoted, token = ''] = parameter
      challenges.at(-1)?.parameters.push([name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token])
    }
    if (text.take(SEPARATOR) === null) return undefined
  }
  return challenges
}

/** A text that is read from its beginning. */
function createText (text: string) {
  let rest = text
  return {
    isRead: () => rest === '',
    begins: (pattern: RegExp) => pattern.test(rest),
    take (pattern: RegExp) {
      const match = pattern.exec(rest)
      if (match !== null) rest = rest.slice(match[0].length)
      return match
    }
  }
}
