import { domainToASCII, domainToUnicode } from 'node:url'

/** An address in the form in which addresses are compared. */
export type Address = Readonly<{ local: string, domain: string }>

/** RFC 5321, section 4.5.3.1.3. */
const MAX_LENGTH = 254
const ASCII = /^[\x21-\x7e]+$/
/** Blanks, controls, and what only a quoted local part may hold. */
const UNFIT = /[\s\p{C}"(),:;<>[\]\\]/u

/** @returns undefined for what is no plain address: it meets no rule */
export function readAddress (text: string): Address | undefined {
  const [local = '', host = '', ...more] = text.split('@')
  if (text.length > MAX_LENGTH || local === '' || more.length > 0 || UNFIT.test(text)) return undefined
  const domain = readDomain(host)
  return domain === undefined ? undefined : { local: fold(local), domain }
}

/**
 * A domain beyond ASCII counts as its `xn--` form if that leads back to it: what only looks like another one, such as a
 * full-width letter, does not.
 */
export function readDomain (text: string): string | undefined {
  const folded = fold(text)
  const ascii = ASCII.test(folded) ? folded : domainToASCII(folded)
  if (ascii !== folded && domainToUnicode(ascii) !== folded) return undefined
  return /^[a-z0-9-]+(?:[.][a-z0-9-]+)*$/.test(ascii) ? ascii : undefined
}

/** Folds A to Z and no other letter: `toLowerCase` maps the Kelvin sign onto k. */
const fold = (text: string): string =>
  text.replaceAll(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32))
