/** A home has a whole IPv6 /56 (RFC 6177); even 256 people in one are fewer than behind many an IPv4 address. */
export function networkOf (address: string): string {
  const url = `http://[${address.split('%')[0] ?? ''}]`
  if (!address.includes(':') || !URL.canParse(url)) return address
  const canonical = new URL(url).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical)
  if (mapped !== null) {
    return [mapped[1], mapped[2]]
      .flatMap((group) => [parseInt(group ?? '', 16) >> 8, parseInt(group ?? '', 16) & 255])
      .join('.')
  }
  const [head = '', tail] = canonical.split('::')
  const groups = head === '' ? [] : head.split(':')
  const missing = 8 - groups.length - (tail === undefined || tail === '' ? 0 : tail.split(':').length)
  if (tail !== undefined) groups.push(...Array<string>(missing).fill('0'), ...(tail === '' ? [] : tail.split(':')))
  const [first, second, third, fourth = '0'] = groups
  return `${first}:${second}:${third}:${(parseInt(fourth, 16) & 0xff00).toString(16)}::/56`
}
