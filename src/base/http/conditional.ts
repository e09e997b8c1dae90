import { createHash } from 'node:crypto'
import type { HttpResponse } from './types.ts'

/** The same public document, with a tag of its text by which a client asks for it again (RFC 9110, section 8.8.3). */
export function tagged (document: HttpResponse): HttpResponse {
  const digest = createHash('sha256').update(document.body).digest('base64url')
  return { ...document, headers: [...document.headers, 'etag', `"${digest.slice(0, 22)}"`] }
}

/** Headers of the text, which a 304 does not have. */
const OF_BODY = new Set<string | undefined>(['content-type', 'content-length'])

/** The document, or 304 for a client that has it by its tag (RFC 9110, section 13.1.2). */
export function unlessKnown (document: HttpResponse, rawHeaders: readonly string[]): HttpResponse {
  const { status, headers } = document
  const at = headers.indexOf('etag')
  if (at === -1 || status !== 200 || !names(rawHeaders, headers[at + 1])) return document
  return { status: 304, headers: headers.filter((_, index) => !OF_BODY.has(headers[index - index % 2])), body: '' }
}

/** A weak tag names it, too: the comparison is the weak one. */
function names (rawHeaders: readonly string[], tag: string | undefined): boolean {
  return rawHeaders.some((line, index) =>
    index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'if-none-match' &&
      (line.trim() === '*' || (line.match(/"[^"]*"/g) ?? []).some((one) => one === tag)))
}
