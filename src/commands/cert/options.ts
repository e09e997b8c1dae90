import { isIP } from 'node:net'
import { resolve, sep } from 'node:path'
import { ServiceError } from '../../base/errors.ts'
import { readArguments } from '../command-line.ts'

/** An error that the person at the command line can fix; never holds key material. */
export class CertError extends ServiceError {
  constructor (message: string, cause?: unknown) { super('CERT', message, cause) }
}

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
  return name.length <= 253 && !/^[\d.]+$/.test(name) && labels.every((label) => LABEL.test(label))
    ? { kind: 'dns', value: name }
    : undefined
}

export type CertOptions = Readonly<{
  out: string
  caDir: string
  hosts: readonly Host[]
  clientDir: string | undefined
  watch: boolean
}>

export const USAGE = `usage: authgear-forward-auth cert --out DIR --host NAME [--host NAME]… [--ca-dir DIR] [--client DIR] [--watch]

  --out DIR     gets tls.crt, tls.key and ca.crt for this service
  --host NAME   a DNS name or address by which the proxy calls this service; repeatable
  --ca-dir DIR  keeps the authority (ca.key, ca.crt); share it with nobody; default: DIR of --out with -ca appended
  --client DIR  also gets tls.crt, tls.key and ca.crt for the proxy (mutual TLS)
  --watch       stays and renews when a third of the 90 days is left; ends on SIGTERM
`

const OPTIONS = {
  out: { type: 'string' },
  host: { type: 'string', multiple: true },
  'ca-dir': { type: 'string' },
  client: { type: 'string' },
  watch: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false }
} as const

function parse (args: readonly string[]) {
  const values = readArguments(args, OPTIONS, (error) => error instanceof Error ? error.message : String(error))
  if (typeof values === 'string') throw new CertError(values)
  return values
}

function hostsOf (texts: readonly string[]): readonly Host[] {
  if (texts.length === 0) throw new CertError('--host is required: the name by which the proxy calls this service')
  const hosts = texts.map(text => {
    const host = parseHost(text)
    if (host === undefined) {
      throw new CertError(`--host ${JSON.stringify(text)} is neither a DNS name nor an address (no port, no wildcard)`)
    }
    return host
  })
  return hosts.filter((host, index) => hosts.findIndex(({ value }) => value === host.value) === index)
}

/** The folder of --out is mounted where others read it; the authority's key must not lie in there. */
function separate (name: string, directory: string, out: string): string {
  if (`${directory}${sep}`.startsWith(out.endsWith(sep) ? out : `${out}${sep}`)) {
    throw new CertError(`${name} must lie outside --out, which is shared`)
  }
  return directory
}

/**
 * The command line of `cert`, or `help` when it asks for that.
 * @throws CertError that says what is wrong with it
 */
export function certOptions (args: readonly string[]): CertOptions | 'help' {
  const { out, host, 'ca-dir': caDir, client, watch, help } = parse(args)
  if (help) return 'help'
  if (out === undefined || out === '') {
    throw new CertError('--out is required: the directory for tls.crt, tls.key and ca.crt')
  }
  const outDir = resolve(out)
  return Object.freeze({
    out: outDir,
    caDir: separate('--ca-dir', resolve(caDir ?? `${outDir}-ca`), outDir),
    hosts: hostsOf(host ?? []),
    clientDir: client === undefined ? undefined : separate('--client', resolve(client), outDir),
    watch
  })
}
