import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import {
  chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { certificateExpiry } from '../../base/http/tls.ts'
import { CertError, type CertOptions, type Host } from './options.ts'
import {
  decodeNameConstraints, type KeyPair, LEAF_LIFE_MS, type LeafRole, nameConstraintsOf, newAuthority, newLeaf, permits
} from './sign.ts'

/** Mode of what everybody may read, and of keys. */
const PUBLIC = 0o644
const PRIVATE = 0o600

/** Makes a directory of this mode, whatever the umask says; one that is there keeps its own. */
function makeDirectory (path: string, mode: number): void {
  if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, mode)
}

/**
 * Writes beside the target and hands the finished file to `place`; created private, so that a key is never readable for
 * a moment.
 */
function viaTemporary (path: string, text: string, mode: number, place: (temporary: string) => void): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(temporary, text, { mode: PRIVATE, flag: 'wx', flush: true })
    chmodSync(temporary, mode) // whatever the umask says
    place(temporary)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Replaces a file; a reader sees the old one or the new one, never half of it. */
function replaceFile (path: string, text: string, mode: number): void {
  viaTemporary(path, text, mode, temporary => renameSync(temporary, path))
}

/** Makes a file that must not be there yet; throws EEXIST when it is. */
function createFile (path: string, text: string, mode: number): void {
  viaTemporary(path, text, mode, temporary => linkSync(temporary, path))
}

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
    if (isCode(error, 'EEXIST')) {
      throw new CertError(`another process is creating an authority in ${directory}: run this again`, error)
    }
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
  if ((statSync(keyFile).mode & 0o077) !== 0) {
    throw new CertError(`${keyFile} is readable by others, who may have copied it: chmod 600 it, or ${START_ANEW}`)
  }
  const authority = { certificate: readFileSync(join(directory, 'ca.crt'), 'utf8'), key: readFileSync(keyFile, 'utf8') }
  const { validTo } = parse(directory, authority)
  // a certificate must not outlive its authority
  if (Date.parse(validTo) < now + LEAF_LIFE_MS) {
    throw new CertError(`the authority in ${directory} ends on ${validTo}: ${START_ANEW}`)
  }
  const constraints = nameConstraintsOf(authority.certificate)
  if (constraints === undefined) {
    throw new CertError(`the authority in ${directory} may sign for any host: ${START_ANEW}`)
  }
  const known = decodeNameConstraints(constraints)
  const outside = hosts.filter(host => !permits(known, host)).map(({ value }) => value)
  if (outside.length === 0) return authority
  throw new CertError(
    `the authority in ${directory} may sign for ${known.map(({ value }) => value).join(', ')} only, not for ` +
      `${outside.join(', ')}: ${START_ANEW}`
  )
}

/**
 * The authority of a directory, made there when it is empty, for these hosts and no others.
 * @throws CertError when the one that is there cannot sign for them
 */
async function openAuthority (directory: string, hosts: readonly Host[], now: number): Promise<KeyPair> {
  const [key, certificate] = [existsSync(join(directory, 'ca.key')), existsSync(join(directory, 'ca.crt'))]
  if (!key && !certificate) return await create(directory, hosts, now)
  if (key && certificate) return load(directory, hosts, now)
  throw new CertError(`${directory} lacks ${key ? 'ca.crt' : 'ca.key'}: ${START_ANEW}`)
}

/** The key goes first: a listener that looks in between finds two that do not fit, keeps the old, and looks again. */
function write (directory: string, leaf: KeyPair, authority: KeyPair): void {
  makeDirectory(directory, 0o755)
  replaceFile(join(directory, 'ca.crt'), authority.certificate, PUBLIC)
  replaceFile(join(directory, 'tls.key'), leaf.key, PRIVATE)
  replaceFile(join(directory, 'tls.crt'), leaf.certificate, PUBLIC)
}

/** New certificates in their directories. @returns when they end */
export async function issue ({ out, caDir, hosts, clientDir }: CertOptions, now: number): Promise<number> {
  const authority = await openAuthority(caDir, hosts, now)
  const leaf = async (role: LeafRole): Promise<KeyPair> => await newLeaf(authority, role, now)
  const server = await leaf({ kind: 'server', hosts })
  if (clientDir !== undefined) write(clientDir, await leaf({ kind: 'client' }), authority)
  write(out, server, authority)
  return certificateExpiry(server.certificate)
}
