import { isIP } from 'node:net'

/** A name or address that a certificate may stand for, in its canonical form. */
export type Host = Readonly<{ kind: 'dns' | 'ip', value: string }>

const LABEL = /^(?!-)[a-z0-9_-]{1,63}$/

/** undefined for what is neither: wildcards, ports, URLs. */
export function parseHost (text: string): Host | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  const version = bare.includes('%') ? 0 : isIP(bare)
  if (version === 4) return { kind: 'ip', value: bare }
  // the URL parser writes IPv6 in the one form that the X.509 library reads rightly (no dotted tail)
  if (version === 6) return { kind: 'ip', value: new URL(`http://[${bare}]`).hostname.slice(1, -1) }
  const name = text.toLowerCase()
  const labels = name.split('.')
  // digits and dots only would be a mistyped address
  return name.length <= 253 && !/^[\d.]+$/.test(name) && labels.every(label => LABEL.test(label)) ? { kind: 'dns', value: name } : undefined
}
