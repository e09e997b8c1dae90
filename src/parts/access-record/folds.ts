import type { Clock } from '../../base/clock.ts'
import type { Decided } from './line.ts'

/** A count between two times, in milliseconds since 1970. */
export type Counted = Readonly<{ decided: Decided, count: number, first: number, last: number }>

/** Two decisions of one owner are the same where all of this is. */
export type Same = Pick<Decided, 'verdict' | 'reason' | 'endpoint'> & Readonly<{
  user: string | undefined
  host: string | undefined
  method: string
  /** As it is written; undefined where paths fold together. */
  path: string | undefined
  /** The MCP call's method and name. */
  call: string
  /** Nobody that Authgear knows: anyone can make as many of these as they like. */
  isStranger?: true
  policy: string
}>

type Fold = { readonly owner: string, readonly same: Same, readonly decided: Decided } &
  { readonly bytes: number, readonly ends: number, count: number, first: number, last: number }

export type Folds = Readonly<{
  /**
   * The first of its kind is written at once; the same within the window is counted and written when it ends.
   * @param owner whose it is: a key of the session, so that no text is joined for a hit
   * @param decide made only for what begins a window
   */
  add: (owner: string, same: Same, decide: () => Decided) => void
  /** Writes what has ended. */
  sweep: () => void
  /** Writes all. */
  flush: () => void
  /** Folds of strangers take more than half of the bytes. */
  isCrowded: () => boolean
}>

/** Whatever a client chooses, and a policy it adds to: beyond so many folds of one session they merge. */
const MAX_OF_OWNER = 64
const COARSE = { host: undefined, method: '', path: undefined, call: '', policy: '' } as const
/** The bytes of a fold beside its texts. */
const FOLD_BYTES = 500

/**
 * @param maxBytes of all folds: beyond, the oldest is written early
 * @param write what is counted is handed over once: the sum of all counts is the number of decisions
 */
export function createFolds (
  { windowMs, maxBytes, clock }: Readonly<{ windowMs: number, maxBytes: number, clock: Clock }>,
  write: (counted: Counted) => void
): Folds {
  // in the order of their ends, since all last equally long
  const all = new Set<Fold>()
  const byOwner = new Map<string, Fold[]>()
  let bytes = 0
  let ofStrangers = 0

  function account (fold: Fold, sign: 1 | -1): void {
    bytes += sign * fold.bytes
    if (fold.same.isStranger === true) ofStrangers += sign * fold.bytes
  }

  function end (fold: Fold): void {
    all.delete(fold)
    account(fold, -1)
    const others = byOwner.get(fold.owner)?.filter((one) => one !== fold) ?? []
    if (others.length === 0) byOwner.delete(fold.owner)
    else byOwner.set(fold.owner, others)
    const { decided, count, first, last } = fold
    if (count > 0) write({ decided, count, first, last })
  }

  function endWhile (isEnded: (fold: Fold) => boolean): void {
    for (const fold of all) {
      if (!isEnded(fold)) return
      end(fold)
    }
  }

  function begin (owner: string, asked: Same, decision: Decided): void {
    const now = clock.wall()
    write({ decided: decision, count: 1, first: now, last: now })
    if (windowMs === 0) return
    const [same, decided] = ownTexts([asked, repeatOf(decision, asked)])
    const size = FOLD_BYTES + 2 * (owner.length + lengthOf(decided) + lengthOf(textsOf(same)))
    const fold: Fold = {
      owner, same, decided, bytes: size, ends: clock.monotonic() + windowMs, count: 0, first: 0, last: 0
    }
    all.add(fold)
    const own = byOwner.get(owner)
    if (own === undefined) byOwner.set(owner, [fold])
    else own.push(fold)
    account(fold, 1)
    endWhile(() => bytes > maxBytes)
  }

  return Object.freeze({
    add (owner: string, asked: Same, decide: () => Decided): void {
      const own = byOwner.get(owner)
      const same = (own?.length ?? 0) < MAX_OF_OWNER ? asked : { ...asked, ...COARSE }
      const fold = own?.find((one) => isSame(one.same, asked)) ?? own?.find((one) => isSame(one.same, same))
      if (fold === undefined) return begin(owner, same, decide())
      if (clock.monotonic() >= fold.ends) {
        end(fold)
        return begin(owner, same, decide())
      }
      fold.last = clock.wall()
      if (fold.count++ === 0) fold.first = fold.last
    },
    sweep: () => { const now = clock.monotonic(); endWhile(({ ends }) => ends <= now) },
    flush: () => endWhile(() => true),
    isCrowded: () => ofStrangers > maxBytes / 2
  })
}

/** The common part of all decisions of a fold: its counted line says no more. */
function repeatOf (decided: Decided, { host, method, path, call, policy }: Same): Decided {
  return {
    ...decided,
    ...host === undefined && { host },
    ...method === '' && { method: undefined },
    ...path === undefined && { path },
    ...call === '' && { mcp_method: undefined, tool: undefined },
    ...policy === '' && { policy: undefined }
  }
}

/** V8 keeps a whole header or URL for as long as a part of it is kept. */
function ownTexts<T> (value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

function isSame (a: Same, b: Same): boolean {
  return a.path === b.path && a.verdict === b.verdict && a.reason === b.reason && a.endpoint === b.endpoint &&
    a.method === b.method && a.host === b.host && a.call === b.call &&
    a.policy === b.policy && a.user === b.user
}

const textsOf = ({ isStranger, ...texts }: Same) => texts

function lengthOf (texts: Readonly<Record<string, string | undefined>>): number {
  return Object.values(texts).reduce<number>((sum, value) => sum + (value?.length ?? 0), 0)
}
