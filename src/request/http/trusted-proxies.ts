import proxyAddr from '@fastify/proxy-addr'

/** Whether a peer may name the client's address; Fastify's `trustProxy`. */
export type TrustProxy = (address: string | undefined, hop: number) => boolean

/** @param trusted TRUSTED_PROXIES: addresses, CIDRs, `loopback`, `linklocal`, `uniquelocal`; none = nobody */
export function createTrustProxy (trusted: readonly string[]): TrustProxy {
  const compiled = proxyAddr.compile([...trusted])
  const unixPeer = compiled('127.0.0.1', 0)
  // a peer on a unix socket has no address and counts as loopback
  return (address, hop) => address === undefined ? unixPeer : compiled(address, hop)
}
