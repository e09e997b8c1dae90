import type { ClientName } from '../../../../src/base/core/client-name.ts'
import { type BlockList, NO_BLOCKS } from '../../../../src/parts/clients/block-list.ts'

/** Two lists merge name by name, so that one name says it all. */
export const NAME = 'dcrc_a' as ClientName

/** Where a connection of a replica's leads. */
export type Link = 'master' | 'deposed' | 'none'
export type Secret = 'A' | 'B'
/** `BA`: B, with A as the previous one. */
export type Secrets = 'A' | 'BA' | 'B'

/** A Redis: the list that is kept, under which secret, and the words of the log, by the secret of their entries. */
export type Server = Readonly<{
  kept: Readonly<{ list: BlockList, by: Secret }> | undefined
  log: Readonly<Record<Secret, BlockList>>
}>

/** What an operator asked of one replica, and how far that is. */
export type Change = Readonly<{
  verb: 'block' | 'lift'
  phase: 'asked' | 'read' | 'held' | 'written'
  /** Redis' time, where it said it. */
  now: number | undefined
  isKept: boolean
  /** The other word was asked for at the same time: either may be the last. */
  isContested: boolean
  /** Nobody waits for it any more: a later word counts, whatever becomes of this one. */
  isGivenUp: boolean
}>

export type Replica = Readonly<{
  isRunning: boolean
  secrets: Secrets
  held: BlockList
  /** It read the list not long ago, and followed the log then: who is not blocked is free. */
  isFresh: boolean
  commands: Link
  /** Of the log's connection; one that leads to a deposed master is known for that after a while. */
  log: Link
  change: Change | undefined
}>

/** How often each thing may happen still. */
export type Left = Readonly<Record<
  | 'changes' | 'ticks' | 'flushes' | 'saves' | 'restores' | 'failovers' | 'ends' | 'cuts' | 'rotations' | 'whiles'
  | 'givenUp',
  number
>>

export type State = Readonly<{
  master: Server
  deposed: Server | undefined
  saved: Server | undefined
  /** Of Redis. */
  clock: number
  replicas: readonly Replica[]
  /** The last word that was acknowledged, while no later one was begun that may count as well. */
  word: 'blocked' | 'lifted' | 'unknown'
  /** A while passed so often since then; two at most are told apart. */
  age: 0 | 1 | 2
  /** At some time nobody knew it any more, and no Redis kept it. */
  isLost: boolean
  /** A block was begun that nobody acknowledged: it may count from now on, or later. */
  hasUnacknowledgedBlock: boolean
  left: Left
}>

export const EMPTY: Server = Object.freeze({ kept: undefined, log: { A: NO_BLOCKS, B: NO_BLOCKS } })

export const FRESH_REPLICA: Replica = Object.freeze({
  isRunning: true, secrets: 'A', held: NO_BLOCKS, isFresh: false, commands: 'master', log: 'master', change: undefined
})

export function initial (replicas: number, left: Left): State {
  return {
    master: EMPTY,
    deposed: undefined,
    saved: undefined,
    clock: 10,
    replicas: Array.from({ length: replicas }, () => FRESH_REPLICA),
    word: 'unknown',
    age: 0,
    isLost: false,
    hasUnacknowledgedBlock: false,
    left
  }
}

/** As `standingOf` of blocks.ts has it. */
export function standingOf ({ held, isFresh }: Replica): 'blocked' | 'free' | 'unread' {
  if (held.get(NAME)?.isBlocked === true) return 'blocked'
  return isFresh ? 'free' : 'unread'
}

/** One text for states that differ in the order of replicas alone. */
export function keyOf ({ master, deposed, saved, replicas, clock, word, age, left, ...flags }: State): string {
  return [
    ...[master, deposed, saved].map(keyOfServer),
    ...replicas.map(keyOfReplica).sort(),
    clock, word, age, flags.isLost, flags.hasUnacknowledgedBlock, ...Object.values(left)
  ].join(' ')
}

function keyOfServer (server: Server | undefined): string {
  if (server === undefined) return '-'
  const { kept, log } = server
  return `${kept === undefined ? '' : kept.by + wordIn(kept.list)};${wordIn(log.A)};${wordIn(log.B)}`
}

function keyOfReplica ({ isRunning, secrets, held, isFresh, commands, log, change }: Replica): string {
  const asked = change && [change.verb, change.phase, change.now, change.isKept, change.isContested, change.isGivenUp]
  return [isRunning, secrets, wordIn(held), isFresh, commands, log, asked].join()
}

function wordIn (list: BlockList): string {
  const mark = list.get(NAME)
  return mark === undefined ? '' : `${mark.isBlocked ? 'b' : 'l'}${mark.at}`
}
