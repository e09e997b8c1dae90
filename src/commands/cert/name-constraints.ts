import { AsnConvert } from '@peculiar/asn1-schema'
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from '@peculiar/asn1-x509'
import type { Host } from './host.ts'

/** id-ce-nameConstraints (RFC 5280, 4.2.1.10) */
export const NAME_CONSTRAINTS = '2.5.29.30'

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

/** Whether a verifier will take a certificate of an authority with these permitted hosts for this one. */
export function permits (permittedHosts: readonly Host[], host: Host): boolean {
  return permittedHosts.some(({ kind, value }) => kind === host.kind &&
    (value === host.value || (kind === 'dns' && host.value.endsWith(`.${value}`))))
}
