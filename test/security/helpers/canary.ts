import { randomBytes } from 'node:crypto'

/** A word that nothing else contains. */
export const canary = (what: string, length = 32): string =>
  `c4n4ry${what}${randomBytes(32).toString('hex')}`.slice(0, length)

/** @returns the names of the canaries that a text holds, as they are or in hex or base64 */
export function leaksIn (text: string, canaries: Readonly<Record<string, string>>): string[] {
  return Object.entries(canaries).filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
    .map(([name]) => name)
}

/** Half of it tells as much as the whole; base64 depends on where it begins, and its ends on the neighbours. */
function formsOf (secret: string): string[] {
  const half = secret.slice(0, secret.length / 2)
  const base64 = [0, 1, 2].map((shift) => Buffer.from('x'.repeat(shift) + secret).toString('base64').slice(4, 24))
  return [
    half,
    secret.slice(-16),
    encodeURIComponent(half),
    Buffer.from(half).toString('hex'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  ]
}
