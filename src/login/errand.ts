/** What the header lines say of a request that may be sent to log in; one pass, never joined. */
export type Errand = Readonly<{
  /** A person's own page: no frame, no script's fetch, nothing fetched ahead. Where a browser does not say, it is. */
  isPage: boolean
  /** No proxy says that the client's method is another than GET or HEAD. */
  isRead: boolean
  /** `X-Forwarded-Host` and `-Uri`: where to come back to, if whoever sent it is trusted; undefined unless there is one line of each. */
  host: string | undefined
  uri: string | undefined
}>

const LINES = new Set(['sec-fetch-mode', 'sec-fetch-dest', 'sec-purpose', 'purpose', 'x-purpose', 'x-moz', 'x-forwarded-host', 'x-forwarded-uri', 'x-forwarded-method'])

/** @param rawHeaders as they arrived */
export function readErrand (rawHeaders: readonly string[]): Errand {
  const lines = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (LINES.has(name)) lines.set(name, [...lines.get(name) ?? [], rawHeaders[i + 1] ?? ''])
  }
  const all = (name: string): readonly string[] => lines.get(name) ?? []
  const only = (name: string): string | undefined => all(name).length === 1 ? all(name)[0] : undefined
  return {
    isPage: all('sec-fetch-mode').every((mode) => mode === 'navigate' || mode === 'nested-navigate' || mode === '') &&
      all('sec-fetch-dest').every((dest) => dest === 'document' || dest === 'empty' || dest === '') &&
      ['sec-purpose', 'purpose', 'x-purpose', 'x-moz'].flatMap(all).every((purpose) => !/prefetch|prerender|preview/i.test(purpose)),
    isRead: all('x-forwarded-method').every(isReading),
    host: only('x-forwarded-host'),
    uri: only('x-forwarded-uri')
  }
}

export function isReading (method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}
