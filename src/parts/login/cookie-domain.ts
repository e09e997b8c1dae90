/** Domains under which anybody may register a name: no browser lets a cookie in for all of it (publicsuffix.org). */
const PUBLIC_SUFFIX =
  /^(?:(?:ac|co|com|edu|gob|gov|net|or|org)\.[a-z]{2}|authgear\.cloud|authgearapps\.com|ddns\.net|duckdns\.org)$/

/** The longest domain that both hosts are in; undefined where no cookie can be for both. A host may be a wildcard. */
export function cookieDomainOf (one: string, other: string): string | undefined {
  const [a, b] = [one, other].map((host) => host.replace(/^\*\./, '').split('.').reverse()) as [string[], string[]]
  const different = a.findIndex((name, i) => name !== b[i])
  const shared = (different === -1 ? a : a.slice(0, different)).toReversed()
  const domain = shared.join('.')
  return shared.length >= 2 && !PUBLIC_SUFFIX.test(domain) ? domain : undefined
}
