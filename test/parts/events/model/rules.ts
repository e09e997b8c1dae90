import type { Feed } from '../../../../src/parts/events/feed.ts'
import type { Left } from './state.ts'

/** What the promise to apps rests on; without one of them some world shows why. */
export const RULES = [
  'another log resets',
  'what nobody can believe resets',
  'behind what was skipped nobody has a place',
  'a place names its log',
  'what was dropped is no place',
  'who comes back is at its own place until it is told more'
] as const
export type Rule = (typeof RULES)[number]

export type World = Readonly<{ name: string, replicas: number, left: Left, skipsJunk: boolean }>
export type Rules = Readonly<{ world: World, without: Rule | undefined }>

/** @returns the feed as one without that rule would be */
export function feedWithout (feed: Feed, without: Rule | undefined): Feed {
  switch (without) {
    case 'another log resets': return silentIn(feed, 'begins')
    case 'what nobody can believe resets': return silentIn(feed, 'lost')
    case 'behind what was skipped nobody has a place': return { ...feed, skipped: feed.passed }
    case 'a place names its log': return { ...feed, after: ({ id }) => feed.after({ ...feed.place(), id }) }
    case 'what was dropped is no place': return {
      ...feed, after: (place) => feed.after(place) ?? (place.log === feed.place().log ? feed.start() : undefined)
    }
    default: return feed
  }
}

/** Who listens hears nothing of a reset there. */
function silentIn (feed: Feed, what: 'begins' | 'lost'): Feed {
  let isSilent = false
  return {
    ...feed,
    listen: ({ told, reset }) => feed.listen({ told, reset: () => { if (!isSilent) reset() } }),
    [what]: (...args: never[]) => {
      isSilent = true
      ;(feed[what] as (...args: never[]) => void)(...args)
      isSilent = false
    }
  }
}
