import { isIP } from 'node:net'
import { type Kind, parsed, problem } from '../kind.ts'
import { quote } from '../quote.ts'

const NAMES: ReadonlySet<string> = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** Why proxy-addr would not take this entry; undefined when it would. */
function trustedProxyProblem (entry: string): string | undefined {
  if (NAMES.has(entry)) return undefined
  if (entry === 'none') return 'none stands alone'
  const [address = '', bits, ...rest] = entry.split('/')
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0 || rest.length > 0) return `${quote(entry)} is not an address, a CIDR or one of loopback, linklocal, uniquelocal`
  if (bits === undefined) return undefined
  const size = /^\d{1,3}$/.test(bits) ? Number(bits) : NaN
  // a /0 would let every client write its own address
  if (size === 0) return `${quote(entry)} would trust everybody: name the proxies' network`
  return size <= (version === 4 ? 32 : 128) ? undefined : `${quote(entry)} has no valid prefix length`
}

export const trustedProxies: Kind<readonly string[]> = Object.freeze({
  accepts: 'a comma-separated list of addresses, CIDRs, `loopback`, `linklocal`, `uniquelocal`; or `none`',
  parse: (text: string) => {
    if (text === 'none') return parsed([], text)
    const entries = text.split(',').map(entry => entry.trim())
    const problems = entries.map(trustedProxyProblem).filter(found => found !== undefined)
    return problems.length === 0 ? parsed(entries, text) : problem(problems.join('; '))
  }
})
