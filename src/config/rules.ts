import { createPrivateKey } from 'node:crypto'
import { AUDIT_RULES } from './audit-rules.ts'
import { certificates } from './kinds/certificates.ts'
import { LOGIN_RULES } from './login-rules.ts'
import { REDIS_RULES } from './redis-rules.ts'
import type { Readings, Rule } from './rule.ts'
import type { ListenAddress } from './types.ts'

const tlsIsWhole: Rule = ({ isSet }) => [
  isSet('LISTEN_TLS_CERT_FILE') && !isSet('LISTEN_TLS_KEY_FILE') && 'LISTEN_TLS_KEY_FILE: is required with LISTEN_TLS_CERT_FILE',
  isSet('LISTEN_TLS_KEY_FILE') && !isSet('LISTEN_TLS_CERT_FILE') && 'LISTEN_TLS_CERT_FILE: is required with LISTEN_TLS_KEY_FILE',
  isSet('LISTEN_TLS_CLIENT_CA_FILE') && !isSet('LISTEN_TLS_CERT_FILE') && !isSet('LISTEN_TLS_KEY_FILE') &&
    'LISTEN_TLS_CLIENT_CA_FILE: works only with LISTEN_TLS_CERT_FILE and LISTEN_TLS_KEY_FILE: set both'
]

const tlsKeyFits: Rule = ({ values, readFile }) => {
  const { LISTEN_TLS_CERT_FILE: certFile, LISTEN_TLS_KEY_FILE: keyFile } = values
  if (certFile === undefined || keyFile === undefined) return []
  const leaf = certificates(readFile(certFile))?.[0]
  return [leaf?.checkPrivateKey(createPrivateKey(readFile(keyFile))) === false &&
    'LISTEN_TLS_KEY_FILE: does not belong to the first certificate of LISTEN_TLS_CERT_FILE (the leaf comes first)']
}

/** Older ones drop a header line that begins or ends in a blank without a word: a policy in it would be lost (docs/security.md). */
const tlsNeedsNode: Rule = ({ isSet, nodeVersion }) => [isSet('LISTEN_TLS_CERT_FILE') && !keepsBlanks(nodeVersion) &&
  `LISTEN_TLS_CERT_FILE: needs Node 22.17, 24.2 or newer, and this is ${nodeVersion}, which can lose a policy header over HTTP/2: use the image, or another Node`]

function keepsBlanks (version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 2) || (major === 22 && minor >= 17)
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

function clash (a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path
  if (a.port !== b.port || a.port === 0) return false
  return a.host.toLowerCase() === b.host.toLowerCase() || WILDCARDS.has(a.host) || WILDCARDS.has(b.host)
}

const LISTENERS = [['MANAGEMENT_LISTEN', 'LISTEN'], ['IDENTIFY_LISTEN', 'LISTEN'], ['IDENTIFY_LISTEN', 'MANAGEMENT_LISTEN']] as const

const listenersDiffer: Rule = ({ values }) => LISTENERS.map(([name, other]) => {
  const [a, b] = [values[name], values[other]]
  return a !== undefined && b !== undefined && clash(a, b) && `${name}: is the same address as ${other}: choose another port, or off`
})

const RULES: readonly Rule[] = [tlsIsWhole, tlsKeyFits, tlsNeedsNode, listenersDiffer, ...AUDIT_RULES, ...LOGIN_RULES, ...REDIS_RULES]

/** Every broken rule that spans several variables. */
export function brokenRules (readings: Readings): readonly string[] {
  return RULES.flatMap(rule => rule(readings)).filter(error => error !== false)
}
