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

const RULES: readonly Rule[] = [tlsIsWhole, tlsKeyFits, listenersDiffer, ...AUDIT_RULES, ...LOGIN_RULES, ...REDIS_RULES]

/** Every broken rule that spans several variables. */
export function brokenRules (readings: Readings): readonly string[] {
  return RULES.flatMap(rule => rule(readings)).filter(error => error !== false)
}
