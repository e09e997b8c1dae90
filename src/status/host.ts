import { isIP } from 'node:net'

/**
 * Whether the page may be shown under that name: an address, this machine's own name (whole, or its first part), or one of MANAGEMENT_HOSTS. By any other name a hostile site
 * could have pointed itself here (DNS rebinding) and read the page as its own.
 * @param allowed lower case; `*.example.com` stands for every name below
 */
export function isOwnHost (header: string | undefined, machine: string, allowed: readonly string[]): boolean {
  const [, v6, name] = /^(?:\[([^\]]*)\]|([^:]+))(?::\d{1,5})?$/.exec(header ?? '') ?? []
  if (v6 !== undefined) return isIP(v6) === 6
  if (name === undefined) return false
  if (isIP(name) === 4) return true
  const host = name.toLowerCase().replace(/\.$/, '')
  const [own, short] = [machine.toLowerCase(), machine.toLowerCase().split('.')[0]]
  return ['localhost', own, short].includes(host) || host.endsWith('.localhost') || allowed.some((one) => matches(host, one))
}

const matches = (host: string, pattern: string): boolean => pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 : host === pattern
