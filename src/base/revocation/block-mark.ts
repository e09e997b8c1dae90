import type { ClientName } from '../core/client-name.ts'

export const BLOCK_ORIGINS = ['management', 'deletion'] as const
/** Origin of the mark: an operator, or Authgear if the client was deleted. */
export type BlockOrigin = (typeof BLOCK_ORIGINS)[number]

/** The last word about a name. */
export type Mark = Readonly<{
  isBlocked: boolean
  /** Milliseconds since 1970 by Redis' clock. */
  at: number
  origin: BlockOrigin
}>

const MARK = /^(\d{1,15}) ([01]) (management|deletion) ([\x21-\x7e]{1,256})$/

/** A mark as an entry of the revocation log holds it. */
export function writeMark (name: ClientName, { at, isBlocked, origin }: Mark): string {
  return `${at} ${Number(isBlocked)} ${origin} ${name}`
}

/** @returns undefined for what no replica wrote */
export function readMark (text: string): Readonly<{ name: ClientName, mark: Mark }> | undefined {
  const [, at, flag, origin, name] = MARK.exec(text) ?? []
  if (name === undefined) return undefined
  return { name: name as ClientName, mark: { at: Number(at), isBlocked: flag === '1', origin: origin as BlockOrigin } }
}
