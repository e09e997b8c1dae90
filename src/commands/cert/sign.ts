// first of all: the X.509 library's injector does not load without it
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto'
import type { Host } from './host.ts'
import { encodeNameConstraints, NAME_CONSTRAINTS } from './name-constraints.ts'

/** A certificate and its private key, both PEM. */
export type KeyPair = Readonly<{ certificate: string, key: string }>

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
export const LEAF_LIFE = 90 * DAY
const AUTHORITY_LIFE = 3_650 * DAY
/** Other machines' clocks may be behind. */
const BACKDATE = 60 * MINUTE

const newKeys = async (): Promise<webcrypto.CryptoKeyPair> => await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])

async function pemOf (key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`
}

async function importKeys (pem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(pem)
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, P256, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, P256, true, ['verify'])
  }
}

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`

/** A new authority that can sign for these hosts only, and for no authority below it. */
export async function newAuthority (hosts: readonly Host[], now: number): Promise<KeyPair> {
  const keys = await newKeys()
  const id = Buffer.from(webcrypto.getRandomValues(new Uint8Array(4))).toString('hex')
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // the random part keeps two authorities apart in a trust store
    name: `CN=authgear-forward-auth link authority ${id}`,
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(now + AUTHORITY_LIFE),
    keys,
    signingAlgorithm: P256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(NAME_CONSTRAINTS, true, encodeNameConstraints(hosts)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
    ]
  })
  return { certificate: pem(certificate), key: await pemOf(keys.privateKey) }
}

/** The two ends of the link; a certificate for one is no use at the other. */
export type LeafRole = Readonly<{ kind: 'server', hosts: readonly Host[] } | { kind: 'client' }>

function leafExtensions (role: LeafRole): readonly x509.Extension[] {
  const usage = role.kind === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const names = role.kind === 'server' ? [new x509.SubjectAlternativeNameExtension(role.hosts.map(({ kind, value }) => ({ type: kind, value })))] : []
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    ...names
  ]
}

/** A new certificate of the authority's with a key of its own. */
export async function newLeaf (authority: KeyPair, role: LeafRole, now: number): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.certificate)
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    // with a space in it no verifier takes the common name for a host
    subject: `CN=authgear-forward-auth link ${role.kind}`,
    issuer: issuer.subject,
    notBefore: new Date(now - BACKDATE),
    notAfter: new Date(now + LEAF_LIFE),
    publicKey: keys.publicKey,
    signingKey: (await importKeys(authority.key)).privateKey,
    signingAlgorithm: P256,
    extensions: [
      ...leafExtensions(role),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    ]
  })
  return { certificate: pem(certificate), key: await pemOf(keys.privateKey) }
}

/** The DER of an authority's name constraints; undefined where it has none. */
export function nameConstraintsOf (certificate: string): ArrayBuffer | undefined {
  return new x509.X509Certificate(certificate).getExtension(NAME_CONSTRAINTS)?.value
}
