import { hkdfSync } from 'node:crypto'
import { createSealer } from '../cache/sealing.ts'

/** What a sealed text is for; one for one purpose opens for no other. */
export type Purpose = 'state' | 'browser' | 'logout'

export type Seal = Readonly<{
  /** @returns base64url */
  seal: (purpose: Purpose, value: unknown) => string
  /** @returns the value; undefined for what was not sealed with this secret for this purpose, down to the last bit */
  open: (purpose: Purpose, text: string) => unknown
}>

/** Characters; our own are below 3,500. */
const FORM = /^[A-Za-z0-9_-]{1,4096}$/

/** AES-256-GCM under keys that HKDF derives from LOGIN_SECRET. */
export function createSeal (secret: string): Seal {
  const { seal, open } = createSealer(new Uint8Array(hkdfSync('sha256', secret, '', 'authgear-forward-auth login v1', 32)))
  return Object.freeze({
    seal: (purpose: Purpose, value: unknown) => seal(purpose, Buffer.from(JSON.stringify(value))).toString('base64url'),
    open (purpose: Purpose, text: string): unknown {
      if (!FORM.test(text)) return undefined
      const bytes = Buffer.from(text, 'base64url')
      // base64 has several spellings of some bytes: only ours counts
      const plain = bytes.toString('base64url') === text ? open(purpose, bytes) : undefined
      return plain === undefined ? undefined : JSON.parse(plain.toString())
    }
  })
}
