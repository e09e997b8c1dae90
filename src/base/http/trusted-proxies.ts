import proxyAddr from '@fastify/proxy-addr'

/** True if a peer may name the client's address; Fastify's `trustProxy`. */
export type TrustProxy = (address: string | undefined, hop: number) => boolean

/** @param trusted TRUSTED_PROXIES: addresses, CIDRs, `loopback`, `linklocal`, `uniquelocal`; none = nobody */
export function createTrustProxy (trusted: readonly string[]): TrustProxy {
  const compiled = proxyAddr.compile([...trusted])
  const unixPeer = compiled('127.0.0.1', 0)
  /** The last peer: few proxies ask, and each look takes a microsecond. */
  let last: Readonly<{ peer: string, isTrusted: boolean }> | undefined
  return (address, hop) => {
    if (address === undefined) return unixPeer // a peer on a unix socket counts as loopback
    if (hop !== 0) return compiled(address, hop)
    if (last?.peer !== address) last = { peer: address, isTrusted: compiled(address, hop) }
    return last.isTrusted
  }
}
