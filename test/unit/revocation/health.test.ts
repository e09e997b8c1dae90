import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import t from 'tap'
import type { MasterVerdict } from '../../../src/base/redis/master-check.ts'
import { elapsedSince, momentOf } from '../../../src/base/clock.ts'
import { FOLLOWING_MS, trackHealth } from '../../../src/base/revocation/health.ts'
import type { RedisForm } from '../../../src/base/redis/options.ts'
import type { Snapshot } from '../../../src/base/revocation/store.ts'
import { NO_OBSERVER } from '../../helpers/log-observer.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

type Seen = Partial<Pick<Snapshot, 'acknowledged' | 'offset' | 'server' | 'isMaster'>>

/** A replica that polls every half second what a test says. */
function open (
  verdict: () => MasterVerdict | Promise<MasterVerdict> = () => 'unknown',
  form: RedisForm = 'one'
) {
  const clock = manualClock()
  const doubts: boolean[] = []
  const lines: string[] = []
  const questions: number[] = []
  const observer = {
    ...NO_OBSERVER,
    doubted: (isDoubted: boolean) => { doubts.push(isDoubted) },
    trouble: (what: string) => { lines.push(what) }
  }
  const confirmMaster = async (): Promise<MasterVerdict> => {
    questions.push(clock.monotonic())
    return await verdict()
  }
  const health = trackHealth({ clock, observer, confirmMaster, form })
  const isFollowing = (): boolean => elapsedSince(health.followedSince(), clock) < FOLLOWING_MS
  async function hear ({ acknowledged = [], offset, server = 'a', isMaster = true }: Seen = {}): Promise<boolean> {
    const snapshot: Snapshot = {
      entries: [],
      length: 0,
      head: undefined,
      isReadable: true,
      replicationId: '',
      now: 0,
      acknowledged,
      offset,
      server,
      isMaster
    }
    const sent = momentOf(clock)
    health.heard(snapshot, sent)
    health.linked(snapshot, sent)
    await turnOfTheLoop() // the verdict comes
    return isFollowing()
  }
  return { hear, health, isFollowing, clock, doubts, lines, questions }
}

t.test('follows a master without replicas, for 3 s after each poll', async (t) => {
  const { hear, isFollowing, clock } = open()
  t.ok(await hear())
  clock.advance(2999)
  t.ok(isFollowing())
  clock.advance(1)
  t.notOk(isFollowing())
  t.notOk(await hear({ isMaster: false }), 'nor a replica')
})

t.test('follows a new server with replicas once one has acknowledged a write', async (t) => {
  const { hear } = open()
  t.notOk(await hear({ acknowledged: [10] }))
  t.notOk(await hear({ acknowledged: [10], offset: 20 }))
  t.notOk(await hear({ acknowledged: [19] }))
  t.ok(await hear({ acknowledged: [5, 20] }), 'one of them is enough')
})

t.test('counts a write from when it was sent, not from when it was acknowledged', async (t) => {
  const { hear, isFollowing, clock } = open()
  await hear({ acknowledged: [10], offset: 20 })
  clock.advance(2000)
  t.ok(await hear({ acknowledged: [20], offset: 30 }))
  clock.advance(1000)
  t.notOk(isFollowing())
})

t.test('tells once that nothing acknowledges a write, and once that something does again', async (t) => {
  const { hear, clock, doubts, lines } = open()
  await hear({ acknowledged: [20], offset: 20 })
  for (let offset = 30; offset < 200; offset += 10) {
    clock.advance(500)
    await hear({ acknowledged: [20], offset })
  }
  t.strictSame([doubts, lines.length], [[true], 1])
  t.ok(await hear({ acknowledged: [200], offset: 200 }))
  t.strictSame([doubts, lines.length], [[true, false], 1])
})

t.test('a process that was frozen is not in doubt, and does not follow', async (t) => {
  const { hear, isFollowing, clock, doubts } = open()
  t.ok(await hear({ acknowledged: [20], offset: 20 }))
  clock.advance(60_000)
  t.notOk(isFollowing())
  t.notOk(await hear({ acknowledged: [20] }), 'until a write of now is acknowledged')
  t.ok(await hear({ acknowledged: [30], offset: 30 }))
  t.strictSame(doubts, [])
})

t.test('follows a server that gets its first replica without a break', async (t) => {
  const { hear, clock } = open()
  t.ok(await hear())
  clock.advance(500)
  t.ok(await hear({ acknowledged: [0] }))
})

const VERDICTS = [['master', true], ['unrefuted', true], ['other', false], ['unknown', false]] as const

for (const [verdict, isFollowed] of VERDICTS) {
  t.test(`without a proof of its own, a server of which they say “${verdict}”`, async (t) => {
    const { hear, clock } = open(() => verdict)
    await hear({ acknowledged: [20], offset: 20 })
    let isFollowing = true
    for (let offset = 30; offset < 130; offset += 10) {
      clock.advance(500)
      await hear({ offset })
      isFollowing = await hear({ offset })
    }
    t.equal(isFollowing, isFollowed)
  })
}

t.test('what most Sentinels say ends following, of a server without replicas too', async (t) => {
  const { hear, health } = open(() => 'other')
  t.notOk(await hear())
  t.notOk(health.isMasterProven())
})

t.test('a server that never had a replica loses nothing that was read from it', async (t) => {
  const { hear, health, clock } = open()
  await hear()
  t.ok(health.isSafeSince(clock.monotonic()))
  t.notOk(health.isSafeSince(health.movedAt() - 1), 'what was read from another one it may lack')
})

t.test('an entry is safe once a replica has a later write', async (t) => {
  const { hear, health, clock } = open()
  await hear({ acknowledged: [20], offset: 20 })
  clock.advance(300)
  const readAt = clock.monotonic()
  t.notOk(health.isSafeSince(readAt), 'though the master is proven')
  t.ok(health.isMasterProven())
  await hear({ acknowledged: [20], offset: 30 })
  t.notOk(health.isSafeSince(readAt))
  await hear({ acknowledged: [30] })
  t.ok(health.isSafeSince(readAt))
})

const WORDS: ReadonlyArray<readonly [verdict: MasterVerdict, listed: readonly number[], isSafe: boolean]> = [
  ['master', [20], true],
  ['master', [], true],
  ['unrefuted', [], true],
  ['unrefuted', [20], false],
  ['unknown', [], false],
  ['other', [], false]
]

t.test('or once others named its master after it was read', async (t) => {
  for (const [word, acknowledged, isSafe] of WORDS) {
    let verdict: MasterVerdict = 'master'
    const { hear, health, clock } = open(() => verdict)
    await hear({ acknowledged: [20], offset: 20 })
    verdict = word
    clock.advance(100)
    await hear({ acknowledged, offset: 30 })
    const readAt = clock.monotonic()
    t.notOk(health.isSafeSince(readAt))
    clock.advance(100)
    await health.askForMaster()
    t.equal(health.isSafeSince(readAt), isSafe, `${word}, ${acknowledged.length} replicas listed`)
  }
})

t.test('acknowledgements count again once Sentinels name the server', async (t) => {
  let verdict: MasterVerdict = 'unknown'
  const { hear, clock } = open(() => verdict)
  let offset = 0
  const follows = async (next: MasterVerdict): Promise<boolean> => {
    verdict = next
    clock.advance(1500)
    offset += 10
    return await hear({ acknowledged: [offset], offset })
  }
  t.strictSame(
    [
      await follows('unknown'),
      await follows('other'),
      await follows('unknown'),
      await follows('master'),
      await follows('unknown')
    ],
    [true, false, false, true, true]
  )
})

t.test('follows no server before the first verdict about it', async (t) => {
  let answer = (_: MasterVerdict): void => {}
  const asked = new Promise<MasterVerdict>((resolve) => { answer = resolve })
  const { hear, isFollowing } = open(() => asked)
  t.notOk(await hear())
  answer('unknown')
  await turnOfTheLoop()
  t.ok(isFollowing())
})

t.test('asks at the first poll of each server, and every 1.5 s', async (t) => {
  const { hear, clock, questions } = open(() => 'master')
  const began = clock.monotonic()
  for (let polls = 0; polls < 7; polls++) {
    await hear({ acknowledged: [20], offset: 20 })
    clock.advance(500)
  }
  await hear({ server: 'b' })
  t.strictSame(questions.map((at) => at - began), [0, 1500, 3000, 3500])
})

t.test('tells that nothing proves a server to which no write can be sent', async (t) => {
  const { hear, clock, doubts, lines } = open()
  for (let polls = 0; polls < 8; polls++) {
    await hear({ acknowledged: [20] })
    clock.advance(500)
  }
  t.strictSame(doubts, [true])
  t.match(lines, [/acknowledge/])
})

t.test('tells that Sentinels name another master', async (t) => {
  const { hear, clock, doubts, lines } = open(() => 'other')
  for (let polls = 0; polls < 8; polls++) {
    await hear()
    clock.advance(500)
  }
  t.strictSame(doubts, [true])
  t.match(lines, [/Sentinels name another/])
})

/** Sentinels have named it, and two replicas have a write; from then on they cannot be reached. */
async function cutOff (form: RedisForm) {
  let verdict: MasterVerdict = form === 'cluster' ? 'unrefuted' : 'master'
  const opened = open(() => verdict, form)
  await opened.hear({ acknowledged: [20, 20], offset: 20 })
  verdict = 'unknown'
  const listing = async (acknowledged: readonly number[], offset: number): Promise<boolean> => {
    opened.clock.advance(1500)
    return await opened.hear({ acknowledged, offset })
  }
  return { ...opened, listing, say: (next: MasterVerdict) => { verdict = next } }
}

t.test('with Sentinels, one of two Redis replicas proves nothing', async (t) => {
  const { hear, listing, health, clock, say } = await cutOff('sentinel')
  t.ok(await listing([30, 30], 30), 'both have it')
  t.strictSame([await listing([40, 30], 40), await listing([50, 30], 50)], [true, false], 'one fell silent')
  t.notOk(await listing([60], 60), 'nor does it when it is not listed any more')
  t.notOk(health.isSafeSince(clock.monotonic() - 1))
  say('master')
  t.ok(await listing([70], 70))
  say('unknown')
  t.strictSame([await listing([80], 80), await listing([90], 90)], [true, false])
  t.ok(await hear({ acknowledged: [90, 90] }), 'back')
})

t.test('forgets a Redis replica that is gone for 15 minutes on the word of Sentinels', async (t) => {
  const { listing, clock, say } = await cutOff('sentinel')
  await listing([30], 30)
  clock.advance(15 * 60_000)
  t.notOk(await listing([40], 40), 'not by itself')
  say('master')
  t.ok(await listing([50], 50))
  say('unknown')
  for (let offset = 60; offset < 120; offset += 10) t.ok(await listing([offset], offset))
})

t.test('with Sentinels, follows no server that most of them have never named', async (t) => {
  const { hear } = open(() => 'unknown', 'sentinel')
  t.notOk(await hear())
  t.notOk(await hear({ acknowledged: [20], offset: 20 }))
})

const COPIES: ReadonlyArray<readonly [RedisForm, readonly boolean[]]> = [
  ['one', [false, true, true]],
  ['sentinel', [false, false, true]],
  ['cluster', [false, false, true]]
]

t.test('an entry is safe when every Redis replica that may take over has it', async (t) => {
  for (const [form, expected] of COPIES) {
    const { health, listing, clock } = await cutOff(form)
    t.strictSame([0, 1, 2].map(health.isEnough), expected, form)
    await listing([30, 20], 30)
    t.equal(health.isSafeSince(clock.monotonic()), form === 'one', `${form}, by offsets`)
  }
})
