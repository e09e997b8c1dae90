/**
 * The path by which a servlet container chooses what to run: parameters gone, decoded, dots resolved.
 * @param late are parameters cut off after decoding?
 */
export function servletPath (url: string, late: boolean): string {
  const [raw = ''] = url.replace(/^https?:\/\/[^/?]*/i, '').split(/[?#]/)
  const cut = (path: string): string => path.replaceAll(/;[^/]*/g, '')
  const decoded = late ? cut(decode(raw)) : decode(cut(raw))
  return resolve(decoded.replaceAll('\\', '/'))
}

/** Bytes that are no UTF-8 stay as they are. */
const decode = (path: string): string => path.replaceAll(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
  try {
    return decodeURIComponent(bytes)
  } catch {
    return bytes
  }
})

function resolve (path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return `/${segments.join('/')}`
}
