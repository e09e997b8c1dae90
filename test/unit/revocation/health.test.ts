import t from 'tap'
import type { MasterVerdict } from '../../../src/redis/master-check.ts'
import { momentOf } from '../../../src/clock.ts'
import { trackHealth } from '../../../src/revocation/health.ts'
import type { Snapshot } from '../../../src/revocation/store.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

type Seen = Partial<Pick<Snapshot, 'acknowledged' | 'offset' | 'server' | 'isMaster'>>

/** A replica that polls every half second what a test says. */
function open (verdict: () => MasterVerdict = () => 'unknown') {
  const clock = manualClock()
  const doubts: boolean[] = []
  const lines: string[] = []
  const observer = {
    doubted: (isDoubted: boolean) => { doubts.push(isDoubted) },
    trouble: (what: string) => { lines.push(what) },
    revoked () {},
    lag () {},
    adopted () {},
    inauthentic () {},
    foreign () {},
    capped () {},
    length () {}
  }
  const health = trackHealth({ clock, observer, confirmMaster: async () => verdict() })
  function hear ({ acknowledged = [], offset, server = 'a', isMaster = true }: Seen = {}): boolean {
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
    return health.isFollowing()
  }
  return { hear, health, clock, doubts, lines }
}

t.test('follows a master without replicas, for 3 s after each poll', async (t) => {
  const { hear, health, clock } = open()
  t.ok(hear())
  clock.advance(2999)
  t.ok(health.isFollowing())
  clock.advance(1)
  t.notOk(health.isFollowing())
  t.notOk(hear({ isMaster: false }), 'nor a replica')
})

t.test('follows a new server with replicas once one has acknowledged a write', async (t) => {
  const { hear } = open()
  t.notOk(hear({ acknowledged: [10] }))
  t.notOk(hear({ acknowledged: [10], offset: 20 }))
  t.notOk(hear({ acknowledged: [19] }))
  t.ok(hear({ acknowledged: [5, 20] }), 'one of them is enough')
})

t.test('counts a write from when it was sent, not from when it was acknowledged', async (t) => {
  const { hear, health, clock } = open()
  hear({ acknowledged: [10], offset: 20 })
  clock.advance(2000)
  t.ok(hear({ acknowledged: [20], offset: 30 }))
  clock.advance(1000)
  t.notOk(health.isFollowing())
})

t.test('tells once that nothing acknowledges a write, and once that something does again', async (t) => {
  const { hear, clock, doubts, lines } = open()
  hear({ acknowledged: [20], offset: 20 })
  for (let offset = 30; offset < 200; offset += 10) {
    clock.advance(500)
    hear({ acknowledged: [20], offset })
  }
  t.strictSame([doubts, lines.length], [[true], 1])
  t.ok(hear({ acknowledged: [200], offset: 200 }))
  t.strictSame([doubts, lines.length], [[true, false], 1])
})

t.test('a process that was frozen is not in doubt, and does not follow', async (t) => {
  const { hear, health, clock, doubts } = open()
  t.ok(hear({ acknowledged: [20], offset: 20 }))
  clock.advance(60_000)
  t.notOk(health.isFollowing())
  t.notOk(hear({ acknowledged: [20] }), 'until a write of now is acknowledged')
  t.ok(hear({ acknowledged: [30], offset: 30 }))
  t.strictSame(doubts, [])
})

t.test('follows a server that gets its first replica without a break', async (t) => {
  const { hear, clock } = open()
  t.ok(hear())
  clock.advance(500)
  t.ok(hear({ acknowledged: [0] }))
})

for (const [verdict, isFollowed] of [['master', true], ['other', false], ['unknown', false]] as const) {
  t.test(`without a proof of its own, a server of which they say “${verdict}”`, async (t) => {
    const { hear, clock } = open(() => verdict)
    hear({ acknowledged: [20], offset: 20 })
    let isFollowing = true
    for (let offset = 30; offset < 130; offset += 10) {
      clock.advance(500)
      hear({ offset })
      await Promise.resolve() // the verdict comes
      isFollowing = hear({ offset })
    }
    t.equal(isFollowing, isFollowed)
  })
}
