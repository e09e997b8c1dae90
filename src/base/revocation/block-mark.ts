import type { ClientName } from '../core/client-name.ts'

/** Origin of a mark that this release makes: an operator, or Authgear if the client was deleted. */
export type BlockOrigin = 'management' | 'deletion'

/** The last word about a name. */
export type Mark = Readonly<{
  isBlocked: boolean
  /** Milliseconds since 1970 by Redis' clock. */
  at: number
  /** A BlockOrigin, or the word of a later release. */
  origin: string
  /** What a later release says of it. */
  more?: readonly unknown[] | undefined
}>

export const BLOCK_ORIGIN = /^[a-z_]{1,32}$/
const MARK = /^(\d{1,15}) ([01]) ([a-z_]{1,32}) ([\x21-\x7e]{1,256})$/

/** A mark as an entry of the revocation log holds it. */
export function writeMark (name: ClientName, { at, isBlocked, origin }: Mark): string {
  return `${at} ${Number(isBlocked)} ${origin} ${name}`
}

/** @returns undefined for what no replica wrote */
export function readMark (text: string): Readonly<{ name: ClientName, mark: Mark }> | undefined {
  const [, at, flag, origin, name] = MARK.exec(text) ?? []
  if (name === undefined || origin === undefined) return undefined
  return { name: name as ClientName, mark: { at: Number(at), isBlocked: flag === '1', origin } }
}
