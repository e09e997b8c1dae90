import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import type { Test } from 'tap'
import { tempDir } from './temp-dir.ts'

export interface OwnCert {
  readonly caFile: string
  readonly certFile: string
  readonly keyFile: string
}

const MAIN = join(import.meta.dirname, '../../dist/main.js')

/** A certificate for those hosts as a user gets one: by the service's own `cert`. */
export function makeOwnCert (t: Test, ...hosts: readonly string[]): OwnCert {
  const out = join(tempDir(t, 'cert'), 'certs')
  execFileSync(
    process.execPath,
    [MAIN, 'cert', '--out', out, ...(hosts.length === 0 ? ['127.0.0.1'] : hosts).flatMap((host) => ['--host', host])],
    { stdio: 'pipe' }
  )
  return { caFile: join(out, 'ca.crt'), certFile: join(out, 'tls.crt'), keyFile: join(out, 'tls.key') }
}

/** By which Chromium believes a certificate, signed by any authority. */
export function keyOf (pem: string | Buffer): string {
  const spki = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64')
}
