import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { tempDir } from './temp-dir.ts'

export interface TlsFiles {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
  /** PEM of the CA. */
  readonly ca: string
}

/**
 * A CA of one day and a certificate of it, for localhost, 127.0.0.1 and the names given; made by openssl in a temporary
 * folder.
 * @param days of the certificate; 0: it has ended
 */
export function makeTls (t: Test, names: readonly string[] = [], days = 1): TlsFiles {
  const folder = tempDir(t, 'tls')
  const path = (name: string): string => join(folder, name)
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  }
  const alternatives = ['IP:127.0.0.1', 'DNS:localhost', ...names.map(name => `DNS:${name}`)].join(',')
  writeFileSync(path('leaf.ext'), `subjectAltName=${alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n`)
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj',
    '/CN=test CA', '-keyout', 'ca.key', '-out', 'ca.crt')
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost', '-keyout',
    'leaf.key', '-out', 'leaf.csr')
  openssl(
    'x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days),
    '-extfile', 'leaf.ext', '-out', 'leaf.crt'
  )
  return {
    caFile: path('ca.crt'),
    certFile: path('leaf.crt'),
    keyFile: path('leaf.key'),
    ca: readFileSync(path('ca.crt'), 'utf8')
  }
}
