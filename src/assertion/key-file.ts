import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { type PrivateKey, readKeys } from './key.ts'

/** Between checks of the file; polling also sees the symbolic links that Kubernetes swaps. */
const LOOK_INTERVAL_MS = 2000

/** @throws where it cannot be read, or has no key that fits */
export function readKeyFile (path: string): readonly PrivateKey[] {
  const content = readKeys(readFileSync(path, 'utf8'))
  if (content.kind === 'problem') throw new Error(content.problem)
  return content.keys
}

export type KeyFileEvents = Readonly<{
  changed: (keys: readonly PrivateKey[]) => void
  /** The keys that were read last stay. */
  failed: (error: unknown) => void
}>

/** @returns stops watching */
export function watchKeyFile (
  path: string,
  { changed, failed }: KeyFileEvents,
  everyMs = LOOK_INTERVAL_MS
): () => void {
  const reload = (): void => {
    try {
      changed(readKeyFile(path))
    } catch (error) {
      failed(error)
    }
  }
  watchFile(path, { interval: everyMs }, reload).unref()
  return () => unwatchFile(path, reload)
}
