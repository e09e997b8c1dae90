/**
 * Addresses that somebody else's software once sent people to: classes of docs/inside/security-tests.md,
 * "What went wrong elsewhere", crossed with the ways to write them.
 */
const EVIL = 'evil.example.net'
const GOOD = 'app.example.com'

/** What stands before a host. */
const STARTS = [
  'https://', 'http://', '//', '///', '////', '/\\', '\\\\', '\\/\\/', '/\\/', 'https:/', 'https:', 'https:\\\\',
  'https:///', 'https:/\\', 'HTTPS://', 'ftp://', 'ws://', 'wss://', 'javascript://', 'data://', 'file://',
  'view-source:https://', 'blob:https://', '/\t/', '/\n/', '/\r/', '/\0/', '\t//', ' //', '%20//', '/%09/', '/%0a/',
  '/%0d/', '/%5c', '/%2f', '/%2f%2f', '%2f%2f', '/.//', '/..//', '/./', '/;//', '/.;/', './/', '..//', ':', '@', '.',
  'https://\u3000', 'https:\u2044\u2044', '//%E3%80%82', 'h\tttps://', 'https\n://'
]

/** A host that is not ours. */
const HOSTS = [
  EVIL, `${EVIL}:443`, `${EVIL}.`, `${GOOD}.${EVIL}`, `${GOOD}@${EVIL}`, `${GOOD}:443@${EVIL}`, `${GOOD}:x@${EVIL}`,
  `${GOOD}%40${EVIL}`, `${GOOD}\\@${EVIL}`, `${EVIL}\\@${GOOD}`, `${GOOD}#@${EVIL}`, `${GOOD}?@${EVIL}`,
  `${EVIL}#${GOOD}`, `${EVIL}?${GOOD}`, `${EVIL}/${GOOD}`, `${EVIL}%23${GOOD}`, `${EVIL}%00${GOOD}`,
  `${GOOD}%00.${EVIL}`, `${GOOD}%0d%0a.${EVIL}`, `${GOOD}%2f.${EVIL}`, `${GOOD}\t.${EVIL}`, `${GOOD} .${EVIL}`,
  `${GOOD}\u3002${EVIL}`, `${GOOD}\uFF0E${EVIL}`, `x${GOOD}`, `${GOOD}x`, 'example.com', 'apps.example.com',
  'xapps.example.com', '.apps.example.com', 'apps.example.com.evil.example.net', 'a\u0440p.example.com',
  'xn--pp-8cd.example.com', `${GOOD.toUpperCase()}`, `${GOOD}.`, `${GOOD}:444`, `${GOOD}:80`, `${GOOD}:0`, `${GOOD}:`,
  `user@${GOOD}`, `user:pw@${GOOD}`, `@${GOOD}`, '127.0.0.1', '127.1', '2130706433', '0x7f.1', '[::1]',
  '[::ffff:127.0.0.1]', 'localhost', 'localhost:4180', '*.apps.example.com'
]

const TAILS = ['', '/', '/x?y#z']

/** Where the good host is named, and more with it. */
const WHOLE = [
  `https://${GOOD}/\r\nLocation: https://${EVIL}`, `https://${GOOD}/%0d%0aLocation:%20https://${EVIL}`,
  `https://${GOOD}/\r\n\r\n<script>`, `https://${GOOD}/\\${EVIL}`, `https://${GOOD}\\${EVIL}`,
  `https://${GOOD}/..//${EVIL}`, `https://${GOOD}//${EVIL}/%2e%2e`, `https://${GOOD}/#//${EVIL}`,
  `https://${GOOD}/?rd=https://${EVIL}`, `https://${GOOD}/x&rd=https://${EVIL}`, `https://${GOOD}/_auth/logout`,
  `https://${GOOD}/_auth/login?rd=https://${EVIL}`, `https://${GOOD}/%5fauth/logout`,
  `https://${GOOD}/_auth/callback?state=x`, `javascript:alert(1)//https://${GOOD}/`, `data:text/html,https://${GOOD}/`,
  `https://${GOOD}/${'a'.repeat(5000)}`, '\u0000', '%', '%zz', '?', '#', '&', 'https://', 'https%3A%2F%2F',
  `https%3A%2F%2F${EVIL}`, `https%3A%2F%2F${GOOD}%40${EVIL}`, `https%253A%252F%252F${EVIL}`,
  `https%3A%2F%2F${GOOD}%252F@${EVIL}`, `https%3A%5C%5C${EVIL}`, `https%3A%2F%2F${GOOD}%23@${EVIL}`
]

/** Several hundred; each also percent-encoded once and twice. */
export const CORPUS: readonly string[] = [...new Set([
  ...STARTS.flatMap((start) => [EVIL, `${GOOD}@${EVIL}`, `${EVIL}/${GOOD}`].map((host) => start + host)),
  ...HOSTS.flatMap((host) => TAILS.map((tail) => `https://${host}${tail}`)), ...WHOLE
])]

export const forms = (text: string): readonly string[] => [
  text,
  encodeURIComponent(text),
  encodeURIComponent(encodeURIComponent(text))
]

const ALLOWED_HOST = /^(?:auth\.example\.com|app\.example\.com|(?:[a-z0-9-]+\.)+apps\.example\.com)$/

/** Why a browser would leave our ground there; read as browsers read it, from whichever of our pages. */
export function leaves (location: string): string | undefined {
  if (!/^https:\/\/[!-~]+$/.test(location)) return 'is not an absolute https address in printable ASCII'
  const url = new URL(location, 'https://app.example.com/_auth/login')
  // an authority that two readings could disagree about
  const written = /^https:\/\/([^/?#]*)/.exec(location)?.[1]
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '' || url.port !== '') {
    return 'is no plain https host'
  }
  if (written !== url.hostname) return `names ${String(written)} for ${url.hostname}`
  return ALLOWED_HOST.test(url.hostname) ? undefined : `leads to ${url.hostname}`
}
