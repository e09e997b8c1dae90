import type { ClientName } from '../../base/core/client-name.ts'
import { isPositive, isString, listOf, parseJson } from '../../base/core/json.ts'
import { BLOCK_ORIGIN, type BlockOrigin, type Mark } from '../../base/revocation/block-mark.ts'

/**
 * The last word about each name. Two lists become one, and their order does not matter: of two words about a name
 * the later one counts. What was lifted is kept, too: a replica that missed it holds the block still.
 */
export type BlockList = ReadonlyMap<ClientName, Mark>

export const NO_BLOCKS: BlockList = new Map()

/** Blocks of each origin. No merge drops one: it would be lifted. */
export const MAX_BLOCKS: Readonly<Record<BlockOrigin, number>> = { management: 1000, deletion: 4000 }
/** The oldest go: a replica that was away for so many others would bring its block back. */
const MAX_LIFTED = 1000

export function blocksIn (list: BlockList, origin?: BlockOrigin): number {
  let count = 0
  for (const mark of list.values()) if (mark.isBlocked && (origin ?? mark.origin) === mark.origin) count++
  return count
}

/** @returns `one` where the other has nothing newer */
export function merged (one: BlockList, other: BlockList): BlockList {
  const newer = [...other].filter(([name, mark]) => isLater(mark, one.get(name)))
  return newer.length === 0 ? one : bounded(new Map([...one, ...newer]))
}

/** The later of two marks; in the same millisecond the block counts. */
function isLater (mark: Mark, than: Mark | undefined): boolean {
  if (than === undefined || mark.at !== than.at) return mark.at > (than?.at ?? -Infinity)
  return mark.isBlocked && !than.isBlocked
}

function bounded (list: BlockList): BlockList {
  const lifted = [...list].filter(([, { isBlocked }]) => !isBlocked)
  if (lifted.length <= MAX_LIFTED) return list
  const oldest = lifted.toSorted(([, one], [, other]) => one.at - other.at).slice(0, lifted.length - MAX_LIFTED)
  const gone = new Set(oldest.map(([name]) => name))
  return new Map([...list].filter(([name]) => !gone.has(name)))
}

/** A word that is later than every one that is known, whatever clocks say. */
const laterThan = (known: Mark | undefined, now: number): number => Math.max(now, (known?.at ?? 0) + 1)

/**
 * One that is blocked already gets a later word, too: a lift that was given up may be held by a replica that is away.
 * @param now undefined where Redis did not say: then the word is later than the one that is known, and than no other
 * @returns `full` where there are too many
 */
export function withBlock (list: BlockList, name: ClientName, now = 0): BlockList | 'full' {
  const known = list.get(name)
  const at = laterThan(known, now)
  if (known?.isBlocked === true) return new Map([...list, [name, { ...known, at }]])
  return added(list, name, at, 'management')
}

/** @param at when the client was deleted: an entry that is read again undoes no later word */
export function withDeletion (list: BlockList, name: ClientName, at: number): BlockList | 'full' {
  const known = list.get(name)
  if (known?.isBlocked === true || (known !== undefined && known.at >= at)) return list
  return added(list, name, Math.max(at, 1), 'deletion') // 0 cannot be decoded
}

function added (list: BlockList, name: ClientName, at: number, origin: BlockOrigin): BlockList | 'full' {
  if (blocksIn(list, origin) >= MAX_BLOCKS[origin]) return 'full'
  return new Map([...list, [name, { isBlocked: true, at, origin }]])
}

/** @returns `list` where it is not blocked */
export function withoutBlock (list: BlockList, name: ClientName, now = 0): BlockList {
  const known = list.get(name)
  if (known?.isBlocked !== true) return list
  return bounded(new Map([...list, [name, { ...known, isBlocked: false, at: laterThan(known, now) }]]))
}

/** The list as it stands in Redis, before it is sealed. */
export function writeBlockList (list: BlockList): Buffer {
  const rows = [...list].map(([name, { isBlocked, at, origin, more = [] }]) =>
    [name, at, Number(isBlocked), origin, ...more])
  return Buffer.from(JSON.stringify(rows))
}

/** @returns undefined for what no replica wrote */
export function readBlockList (plain: Buffer): BlockList | undefined {
  const rows = parseJson(plain.toString())
  if (!Array.isArray(rows)) return undefined
  const marks = rows.map(readRow)
  return marks.every((mark) => mark !== undefined) ? new Map(marks) : undefined
}

/** A block holds whatever its origin, and keeps what only a later release knows of it. */
function readRow (row: unknown): readonly [ClientName, Mark] | undefined {
  const [name, at, flag, origin, ...more] = listOf(row)
  if (!isString(name) || !isPositive(at) || (flag !== 0 && flag !== 1)) return undefined
  if (!isString(origin) || !BLOCK_ORIGIN.test(origin)) return undefined
  return [name as ClientName, { isBlocked: flag === 1, at, origin, ...more.length > 0 && { more } }]
}
