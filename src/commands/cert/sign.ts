import 'reflect-metadata' // first: @peculiar/x509 looks for it when it is loaded
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto'
import { AsnConvert } from '@peculiar/asn1-schema'
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from '@peculiar/asn1-x509'
import * as x509 from '@peculiar/x509'
import type { Host } from './options.ts'

/** id-ce-nameConstraints (RFC 5280, 4.2.1.10) */
const NAME_CONSTRAINTS = '2.5.29.30'

const bits = (address: string): string => address.includes(':') ? `${address}/128` : `${address}/32`

const permitted = ({ kind, value }: Host): GeneralSubtree =>
  new GeneralSubtree({ base: new GeneralName(kind === 'dns' ? { dNSName: value } : { iPAddress: bits(value) }) })

/** A kind of name without any permitted one would be free, so all of that kind are excluded. */
function excluded (hosts: readonly Host[]): readonly GeneralSubtree[] {
  const names = hosts.some(({ kind }) => kind === 'dns') ? [] : [{ dNSName: '' }]
  const addresses = hosts.some(({ kind }) => kind === 'ip') ? [] : [{ iPAddress: '0.0.0.0/0' }, { iPAddress: '::/0' }]
  return [...names, ...addresses].map(name => new GeneralSubtree({ base: new GeneralName(name) }))
}

/** Permits these hosts and nothing else; a DNS name takes the names below it along, which X.509 cannot prevent. */
export function encodeNameConstraints (hosts: readonly Host[]): ArrayBuffer {
  const outside = excluded(hosts)
  return AsnConvert.serialize(new NameConstraints({
    permittedSubtrees: new GeneralSubtrees(hosts.map(permitted)),
    ...(outside.length === 0 ? {} : { excludedSubtrees: new GeneralSubtrees([...outside]) })
  }))
}

/** The hosts that an authority's constraints permit. */
export function decodeNameConstraints (der: ArrayBuffer): readonly Host[] {
  const subtrees = Array.from(AsnConvert.parse(der, NameConstraints).permittedSubtrees ?? [])
  return subtrees.flatMap(({ base }): readonly Host[] => {
    if (base.dNSName !== undefined) return [{ kind: 'dns', value: base.dNSName }]
    return base.iPAddress === undefined ? [] : [{ kind: 'ip', value: base.iPAddress.replace(/\/(?:32|128)$/, '') }]
  })
}

/** True if a verifier will take a certificate of an authority with these permitted hosts for this one. */
export function permits (permittedHosts: readonly Host[], host: Host): boolean {
  return permittedHosts.some(({ kind, value }) => kind === host.kind &&
    (value === host.value || (kind === 'dns' && host.value.endsWith(`.${value}`))))
}

/** A certificate and its private key, both PEM. */
export type KeyPair = Readonly<{ certificate: string, key: string }>

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
export const LEAF_LIFE_MS = 90 * DAY_MS
const AUTHORITY_LIFE_MS = 3_650 * DAY_MS
/** Other machines' clocks may be behind. */
const BACKDATE_MS = 60 * MINUTE_MS

const newKeys = async (): Promise<webcrypto.CryptoKeyPair> =>
  await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify'])

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
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + AUTHORITY_LIFE_MS),
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
  const names =
    role.kind === 'server'
      ? [new x509.SubjectAlternativeNameExtension(role.hosts.map(({ kind, value }) => ({ type: kind, value })))]
      : []
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
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + LEAF_LIFE_MS),
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
