import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CertError } from './cert-error.ts'
import type { Host } from './host.ts'
import { decodeNameConstraints, permits } from './name-constraints.ts'
import { type KeyPair, LEAF_LIFE, nameConstraintsOf, newAuthority } from './sign.ts'
import { createFile, makeDirectory, PRIVATE, PUBLIC } from './files.ts'

const START_ANEW = 'give another --ca-dir to make a new authority, and hand its ca.crt to the proxy'

function isCode (error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

async function create (directory: string, hosts: readonly Host[], now: number): Promise<KeyPair> {
  const authority = await newAuthority(hosts, now)
  makeDirectory(directory, 0o700)
  try {
    createFile(join(directory, 'ca.key'), authority.key, PRIVATE)
    createFile(join(directory, 'ca.crt'), authority.certificate, PUBLIC)
  } catch (error) {
    if (isCode(error, 'EEXIST')) throw new CertError(`another process makes an authority in ${directory} at this moment: run this again`, error)
    throw error
  }
  return authority
}

function parse (directory: string, { certificate, key }: KeyPair): X509Certificate {
  try {
    const parsed = new X509Certificate(certificate)
    if (parsed.ca && parsed.checkPrivateKey(createPrivateKey(key))) return parsed
  } catch (error) {
    throw new CertError(`${directory} holds no readable authority: ${START_ANEW}`, error)
  }
  throw new CertError(`ca.key and ca.crt in ${directory} do not belong together: ${START_ANEW}`)
}

function load (directory: string, hosts: readonly Host[], now: number): KeyPair {
  const keyFile = join(directory, 'ca.key')
  if ((statSync(keyFile).mode & 0o077) !== 0) throw new CertError(`${keyFile} is open to others, who may have copied it: chmod 600 it, or ${START_ANEW}`)
  const authority = { certificate: readFileSync(join(directory, 'ca.crt'), 'utf8'), key: readFileSync(keyFile, 'utf8') }
  const { validTo } = parse(directory, authority)
  // a certificate must not outlive its authority
  if (Date.parse(validTo) < now + LEAF_LIFE) throw new CertError(`the authority in ${directory} ends on ${validTo}: ${START_ANEW}`)
  const constraints = nameConstraintsOf(authority.certificate)
  if (constraints === undefined) throw new CertError(`the authority in ${directory} may sign for any host: ${START_ANEW}`)
  const known = decodeNameConstraints(constraints)
  const outside = hosts.filter(host => !permits(known, host)).map(({ value }) => value)
  if (outside.length === 0) return authority
  throw new CertError(`the authority in ${directory} may sign for ${known.map(({ value }) => value).join(', ')} only, not for ${outside.join(', ')}: ${START_ANEW}`)
}

/**
 * The authority of a directory, made there when it is empty, for these hosts and no others.
 * @throws CertError when the one that is there cannot sign for them
 */
export async function openAuthority (directory: string, hosts: readonly Host[], now: number): Promise<KeyPair> {
  const [key, certificate] = [existsSync(join(directory, 'ca.key')), existsSync(join(directory, 'ca.crt'))]
  if (!key && !certificate) return await create(directory, hosts, now)
  if (key && certificate) return load(directory, hosts, now)
  throw new CertError(`${directory} lacks ${key ? 'ca.crt' : 'ca.key'}: ${START_ANEW}`)
}
