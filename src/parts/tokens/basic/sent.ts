/** A machine's client id and secret. */
export type Pair = Readonly<{ clientId: string, secret: string }>

const SCHEME = /^basic(?: +|$)/i
/** Longer ones cannot be a client of Authgear's. */
const MAX_TOKEN = 2048
const MAX_SECRET = 1024
const CLIENT_ID = /^[\x21-\x39\x3b-\x7e]{1,256}$/
const CONTROL = /\p{Cc}/u

/** @returns what follows the scheme in the one Authorization line; undefined where there is no such line */
export function basicTokenOf (rawHeaders: readonly string[]): string | undefined {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    const line = rawHeaders[i + 1] ?? ''
    const scheme = SCHEME.exec(line)
    return scheme === null ? undefined : line.slice(scheme[0].length).trimEnd()
  }
  return undefined
}

/**
 * True if a browser sent it for a page, or for a script of another site: a browser attaches a password that it
 * remembers to any request, and asks people for one.
 * @param origin of the resource: its own scripts may ask
 */
export function isOfAPage (rawHeaders: readonly string[], origin: string): boolean {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length !== 6 && name.length !== 14) continue
    const value = rawHeaders[i + 1] ?? ''
    switch (name.toLowerCase()) {
      case 'origin': if (value !== origin) return true; break
      case 'sec-fetch-mode': if (value === 'navigate' || value === 'nested-navigate') return true; break
      case 'sec-fetch-site': if (value !== 'same-origin' && value !== 'none') return true
    }
  }
  return false
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** RFC 7617: base64 of UTF-8, split at the first colon. @returns undefined for what no client of Authgear's sends */
export function readPair (token: string): Pair | undefined {
  if (token.length > MAX_TOKEN) return undefined
  const bytes = Buffer.from(token, 'base64')
  if (bytes.toString('base64') !== token) return undefined
  const text = decoded(bytes)
  const colon = text?.indexOf(':') ?? -1
  if (text === undefined || colon === -1) return undefined
  const [clientId, secret] = [text.slice(0, colon), text.slice(colon + 1)]
  const isPair = CLIENT_ID.test(clientId) && secret !== '' && secret.length <= MAX_SECRET && !CONTROL.test(secret)
  return isPair ? { clientId, secret } : undefined
}

function decoded (bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
