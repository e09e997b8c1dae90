import { lookup } from 'node:dns'
import { lookup as lookUp } from 'node:dns/promises'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** This machine, its networks, and what no server on the internet has (IANA's special-purpose addresses). */
const NETWORKS = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24',
  '192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/3', '::/96', '64:ff9b:1::/48', '2002::/16', 'fc00::/7', 'fe80::/10',
  'fec0::/10', 'ff00::/8'
] as const
/** Addresses of IPv6 that stand for one of IPv4 (RFC 6052): judged by it. */
const NAT64 = '64:ff9b::'

const INSIDE = new BlockList()
for (const network of NETWORKS) {
  const [address = '', bits] = network.split('/')
  INSIDE.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  if (isIP(address) === 4) INSIDE.addSubnet(`${NAT64}${address}`, 96 + Number(bits), 'ipv6')
}

/** @param address of either family; of IPv6 also one that stands for IPv4 */
export const isInside = (address: string): boolean => INSIDE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

class InsideAddress extends Error {
  constructor () { super('it is on this machine or in its network, where a document of a stranger may not lead') }
}

const nameIn = (url: string): string => new URL(url).hostname.replaceAll(/[[\]]/g, '')

/** Where an address leads is looked at when it is connected to: a name may lead elsewhere the next time. */
const lookupOutside: LookupFunction = (name, options, done) => {
  lookup(name, { ...options, all: true }, (error, found) => {
    const [first] = found ?? []
    if (error !== null || first === undefined) done(error ?? new InsideAddress(), '', 0)
    else if (found.some(({ address }) => isInside(address))) done(new InsideAddress(), '', 0)
    else if (options.all === true) done(null, found)
    else done(null, first.address, first.family)
  })
}

type Way = Readonly<{ lookup?: LookupFunction }>
/** @returns how to connect to an address; rejects with why not */
export type WayTo = (address: string) => Promise<Way>

export const ANYWHERE: WayTo = () => Promise.resolve({})

/**
 * Metadata of a stranger must not make this machine ask its own network (SSRF), unless the operator's URL is there too.
 * @param own the addresses that the operator named
 */
export function outsideOf (own: readonly string[]): WayTo {
  const names = new Set(own.map(nameIn))
  const areInside = Promise.all([...names].map(leadsInside)).then((all) => all.includes(true))
  return async (address) => {
    const name = nameIn(address)
    if (names.has(name) || await areInside) return {}
    if (isIP(name) !== 0 && isInside(name)) throw new InsideAddress()
    return { lookup: lookupOutside }
  }
}

/** True if each of its addresses is; false for a name that does not resolve. */
async function leadsInside (name: string): Promise<boolean> {
  const found = await lookUp(name, { all: true }).catch(() => [])
  return found.length > 0 && found.every(({ address }) => isInside(address))
}
