import { join } from 'node:path'
import { certificateExpiry } from '../../listener/certificate-expiry.ts'
import { openAuthority } from './authority.ts'
import type { CertOptions } from './options.ts'
import { type KeyPair, type LeafRole, newLeaf } from './sign.ts'
import { makeDirectory, PRIVATE, PUBLIC, replaceFile } from './files.ts'

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
