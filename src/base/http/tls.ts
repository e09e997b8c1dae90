import { X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type Server, type TlsOptions } from 'node:tls'
import type { CertificateLife } from '../core/certificate.ts'
import type { EpochMs } from '../core/token-expiry.ts'

/**
 * The whole life of the first certificate of a PEM text: the leaf, which stands first in a chain.
 * @throws where there is none
 */
export function certificateLife (pem: string): CertificateLife {
  const { validFrom, validTo } = new X509Certificate(pem)
  return { from: Date.parse(validFrom), to: Date.parse(validTo) }
}

/** When it ends. */
export function certificateExpiry (pem: string): EpochMs {
  return certificateLife(pem).to as EpochMs
}

export type TlsFiles = Readonly<{ certFile: string, keyFile: string, clientCaFile: string | undefined }>
/** PEM, all read at the same moment. */
export type TlsMaterial = Readonly<{ cert: string, key: string, ca: string | undefined }>

export type TlsEvents = Readonly<{ reloaded: (life: CertificateLife) => void, failed: (error: unknown) => void }>

/** Between checks of the files; polling also sees the symbolic links that Kubernetes swaps. */
const LOOK_INTERVAL_MS = 2000

/** @throws where a file cannot be read, or key and certificate do not belong together */
export function readTlsMaterial ({ certFile, keyFile, clientCaFile }: TlsFiles): TlsMaterial {
  const material = {
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    ca: clientCaFile === undefined ? undefined : readFileSync(clientCaFile, 'utf8')
  }
  createSecureContext(contextOf(material))
  return material
}

/** `ca` has to be named again at every change, or every client certificate is refused. */
export function contextOf ({ cert, key, ca }: TlsMaterial): { cert: string, key: string, ca?: string } {
  return { cert, key, ...(ca === undefined ? {} : { ca }) }
}

/** The TLS options of a listener; with `ca` only clients with a certificate of it may connect. */
export function serverContextOf (tls: TlsMaterial): SecureContextOptions & TlsOptions {
  return { ...contextOf(tls), ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }) }
}

/** New files serve new connections; unreadable or unmatched ones leave the old in place. @returns stops watching */
export function watchTlsFiles (
  files: TlsFiles,
  server: Pick<Server, 'setSecureContext'>,
  events: TlsEvents,
  everyMs = LOOK_INTERVAL_MS
): () => void {
  const names = [files.certFile, files.keyFile, files.clientCaFile].filter((name) => name !== undefined)
  const reload = (): void => {
    try {
      const material = readTlsMaterial(files)
      server.setSecureContext(contextOf(material))
      events.reloaded(certificateLife(material.cert))
    } catch (error) {
      events.failed(error)
    }
  }
  for (const name of names) watchFile(name, { interval: everyMs }, reload)
  return () => { for (const name of names) unwatchFile(name, reload) }
}
