/** An address that means "all of them" cannot be asked everywhere. */
export function reachable (host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
}
