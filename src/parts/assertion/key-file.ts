import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type PrivateKey, readKeys } from './key.ts'
import { type KeySet, pkcs8Of, PUBLISH_AFTER_MS, PUBLISH_AHEAD_MS } from './key-set.ts'

/** Between two reads. Not watchFile: it misses a change that comes before its first look. */
const READ_INTERVAL_MS = 2000

export type KeyFileEvents = Readonly<{
  changed: (keys: readonly PrivateKey[]) => void
  /** Once for each change; the keys that were read last stay. */
  failed: (error: unknown) => void
}>

/** @throws where it cannot be read, or has no key that fits */
export function openKeyFile (path: string, { changed, failed }: KeyFileEvents) {
  let seen = readFileSync(path, 'utf8')
  const keys = keysOf(seen)
  let told: string | undefined
  function look (): void {
    try {
      const text = readFileSync(path, 'utf8')
      told = undefined
      if (text === seen) return
      seen = text
      changed(keysOf(text))
    } catch (error) {
      if (String(error) !== told) failed(error)
      told = String(error)
    }
  }
  const timer = setInterval(look, READ_INTERVAL_MS).unref()
  return { keys, close: () => clearInterval(timer) }
}

function keysOf (text: string): readonly PrivateKey[] {
  const content = readKeys(text)
  if (content.kind === 'problem') throw new Error(content.problem)
  return content.keys
}

/** The first key signs, all are published, and for a while those that the file had before. */
export function keySetOf (keys: readonly PrivateKey[], before: KeySet | undefined, now: number): KeySet {
  const named = keys.map(({ signing: { algorithm }, key }, index) =>
    ({ pkcs8: pkcs8Of(key), algorithm, from: 0, ...index > 0 ? { until: Infinity } : {} }))
  const gone = (before?.keys ?? [])
    .filter(({ pkcs8, until = Infinity }) => until > now && !named.some((key) => key.pkcs8 === pkcs8))
    .map((key) => ({ ...key, until: Math.min(key.until ?? Infinity, now + PUBLISH_AHEAD_MS + PUBLISH_AFTER_MS) }))
  const sid = hash('sha256', `authgear-forward-auth assertion sid ${named[0]?.pkcs8}`, 'base64url')
  return { since: 0, sid, keys: [...named, ...gone] }
}
