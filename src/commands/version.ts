import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The commit, by `npm run build`: with `-dirty` where files differ from it, empty where there is no git. */
declare const COMMIT: string | undefined

/** As many digits as git shows of a repository of this size. */
const DIGITS = 8

/**
 * The version, and which build of it: by its commit, or else by its own digest.
 * @param main the program's first file, one folder below package.json: it names the others by their digests
 */
export function versionOf (main: URL, commit = typeof COMMIT === 'undefined' ? '' : COMMIT): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', main), 'utf8'))
  const version = typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
  return `${version} (${commitOf(commit) ?? `build ${digestOf(main)}`})`
}

function commitOf (text: string): string | undefined {
  const [, hash, dirty = ''] = /^([0-9a-f]{7,64})(-dirty)?$/.exec(text) ?? []
  return hash === undefined ? undefined : hash.slice(0, DIGITS) + dirty
}

const digestOf = (file: URL): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, DIGITS)
