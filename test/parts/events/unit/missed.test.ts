import fc from 'fast-check'
import t from 'tap'
import type { Feed } from '../../../../src/parts/events/feed.ts'
import { check } from '../../../helpers/property.ts'
import { runs } from '../../../helpers/runs.ts'
import { type ChangeFeed, createWorld, type Secret } from '../model/world.ts'

type World = ReturnType<typeof createWorld>
type Act = readonly [name: string, run: (world: World) => void]

const replica = fc.nat({ max: 1 })
const secret = fc.constantFrom<Secret[]>('a', 'a', 'b', 'x')
const acts: fc.Arbitrary<Act> = fc.oneof(
  ...(['lose', 'leave', 'stall', 'drain', 'trim', 'settle'] as const).map((name) =>
    fc.constant<Act>([name, (world) => { world[name]() }])),
  ...(['read', 'hear', 'hear', 'hear', 'join', 'turn', 'pending', 'cut', 'endSkipping'] as const).map((name) =>
    replica.map<Act>((index) => [`${name} ${index}`, (world) => world[name](index)])),
  ...[1, 2, 3].map(() => secret.map<Act>((by) => [`write ${by}`, (world) => world.write(by)])),
  fc.nat({ max: 3 }).map<Act>((count) => [`take ${count}`, (world) => world.take(count)]),
  fc.tuple(replica, fc.constantFrom<Secret[]>('a', 'a', 'b')).map<Act>(([index, own]) =>
    [`restart ${index} ${own}`, (world) => world.restart(index, own)])
)

/** @returns what happened where the app missed something in the end, and does not know it */
async function missed (
  count: number, change: ChangeFeed = (feed) => feed, isHasty = false
): Promise<string | undefined> {
  const sequences = fc.array(acts, { maxLength: 40, size: 'max' })
  const { smallest } = await check(fc.property(sequences, fc.boolean(), (sequence, skipsJunk) => {
    const world = createWorld(skipsJunk, isHasty, change)
    for (const [, run] of sequence) run(world)
    return world.settle().length === 0
  }), count)
  return smallest === undefined ? undefined : JSON.stringify(smallest[0].map(([name]) => name))
}

t.test('an app knows what it missed, whatever befalls log, replicas and streams', async (t) => {
  t.equal(await missed(runs(3000, 60_000)), undefined)
})

/** Nobody who listens hears of a reset there. */
const silentIn = (feed: Feed, what: 'begins' | 'lost'): Feed => {
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

/** What the promise rests on; without one of them an app misses something. */
const WITHOUT: ReadonlyArray<readonly [rule: string, change: ChangeFeed | undefined]> = [
  ['another log resets', (feed) => silentIn(feed, 'begins')],
  ['what nobody can believe resets', (feed) => silentIn(feed, 'lost')],
  ['behind what was skipped nobody has a place', (feed) => ({ ...feed, skipped: feed.passed })],
  ['a place names its log', (feed) => ({ ...feed, after: ({ id }) => feed.after({ ...feed.place(), id }) })],
  ['what was dropped is no place', (feed) => ({
    ...feed, after: (place) => feed.after(place) ?? (place.log === feed.place().log ? feed.start() : undefined)
  })],
  ['who comes back is at its own place until it is told more', undefined]
]

for (const [rule, change] of WITHOUT) {
  t.test(`an app misses something without the rule: ${rule}`, async (t) => {
    const found = await missed(20_000, change, change === undefined)
    t.not(found, undefined)
    t.comment(found ?? '')
  })
}
