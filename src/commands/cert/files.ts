import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** Mode of what everybody may read, and of keys. */
export const PUBLIC = 0o644
export const PRIVATE = 0o600

/** Makes a directory of this mode, whatever the umask says; one that is there keeps its own. */
export function makeDirectory (path: string, mode: number): void {
  if (mkdirSync(path, { recursive: true }) !== undefined) chmodSync(path, mode)
}

/** Writes beside the target and hands the finished file to `place`; created private, so that a key is never readable for a moment. */
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
export function replaceFile (path: string, text: string, mode: number): void {
  viaTemporary(path, text, mode, temporary => renameSync(temporary, path))
}

/** Makes a file that must not be there yet; throws EEXIST when it is. */
export function createFile (path: string, text: string, mode: number): void {
  viaTemporary(path, text, mode, temporary => linkSync(temporary, path))
}
