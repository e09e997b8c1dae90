import type { BlockList } from '../../../../src/parts/clients/block-list.ts'
import type { Left } from './state.ts'

/** What the design rests on; without one of them some world shows why. */
export const RULES = [
  'what was lifted is kept',
  'a replica writes back what Redis lacks',
  'a block that is said again is a later word',
  'no clock but that of Redis counts',
  'what another secret sealed is not overwritten',
  'the log tells of it',
  'a list counts where the log is followed',
  'what was read counts for a while only',
  'a change that was given up is not made'
] as const
export type Rule = (typeof RULES)[number]

export type World = Readonly<{ name: string, replicas: number, left: Left }>

export type Rules = Readonly<{ world: World, without: Rule | undefined }>

/** @returns the list as a replica without the first rule would keep it */
export const forgetting = (list: BlockList): BlockList =>
  new Map([...list].filter(([, { isBlocked }]) => isBlocked))
