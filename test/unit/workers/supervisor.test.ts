import t from 'tap'
import { supervise, type Child } from '../../../src/workers/supervisor.ts'

type Fake = Child & Readonly<{ place: number, end: (how: number | string) => void }>

/** Children that end when the test says so, and waits that are over when it says so. */
function world (count: number) {
  const forked: Fake[] = []
  const told: Array<readonly [place: number, how: number | string, waitMs: number | undefined]> = []
  const unforked: Array<readonly [place: number, error: unknown, waitMs: number]> = []
  let refusal: Error | undefined
  const waits: Array<{ ms: number, act: () => void, isCancelled: boolean }> = []
  let now = 0
  const supervisor = supervise<Fake>({
    count,
    fork (place) {
      if (refusal !== undefined) throw refusal
      let end = (_how: number | string): void => {}
      const exited = new Promise<number | string>((resolve) => { end = resolve })
      const child = { place, exited, end }
      forked.push(child)
      return child
    },
    clock: { monotonic: () => now },
    later (ms, act) {
      const wait = { ms, act, isCancelled: false }
      waits.push(wait)
      return () => { wait.isCancelled = true }
    },
    ended: ({ place }, how, waitMs) => told.push([place, how, waitMs]),
    unforked: (place, error, waitMs) => unforked.push([place, error, waitMs])
  })
  const refuse = (error: Error | undefined): void => { refusal = error }
  return { supervisor, forked, told, unforked, waits, refuse, pass: (ms: number) => { now += ms } }
}

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve) })

t.test('begins as many as it is told, by their places', async (t) => {
  const { forked, supervisor } = world(3)
  t.strictSame(forked.map(({ place }) => place), [1, 2, 3])
  t.equal(supervisor.children().length, 3)
})

t.test('replaces at once one that had lived, in its place', async (t) => {
  const { forked, told, waits, pass, supervisor } = world(2)
  pass(60_000)
  forked[1]?.end('SIGKILL')
  await settled()
  t.strictSame(told, [[2, 'SIGKILL', 0]])
  t.equal(supervisor.children().length, 1)
  waits[0]?.act()
  t.strictSame(forked.map(({ place }) => place), [1, 2, 2])
  t.equal(supervisor.children().length, 2)
})

t.test('waits ever longer for one that dies at its start, ten seconds at most', async (t) => {
  const { forked, waits } = world(1)
  for (let n = 0; n < 9; n++) {
    forked.at(-1)?.end(1)
    await settled()
    waits.at(-1)?.act()
  }
  t.strictSame(waits.map(({ ms }) => ms), [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
})

t.test('forgets failed starts once one has lived', async (t) => {
  const { forked, waits, pass } = world(1)
  for (const lived of [0, 0, 60_000, 0]) {
    pass(lived)
    forked.at(-1)?.end(1)
    await settled()
    waits.at(-1)?.act()
  }
  t.strictSame(waits.map(({ ms }) => ms), [100, 200, 0, 100])
})

t.test('replaces none any more once it ends, and says when all have ended', async (t) => {
  const { forked, told, waits, supervisor } = world(3)
  forked[0]?.end(1)
  await settled()
  const ended = supervisor.ended()
  t.equal(waits[0]?.isCancelled, true, 'nor the one that it waited for')
  let isOver = false
  ended.then(() => { isOver = true }, () => {})
  forked[1]?.end(0)
  await settled()
  t.equal(isOver, false)
  forked[2]?.end(0)
  await ended
  t.strictSame(told.map(([, , waitMs]) => waitMs), [100, undefined, undefined])
  await supervisor.ended()
})

t.test('one that the system has no memory for is begun again later, and the others go on', async (t) => {
  const { supervisor, forked, unforked, waits, refuse, pass } = world(2)
  pass(60_000)
  const error = new Error('spawn ENOMEM')
  refuse(error)
  forked[0]?.end('SIGKILL')
  await settled()
  waits[0]?.act()
  waits[1]?.act()
  t.strictSame(unforked, [[1, error, 100], [1, error, 200]])
  t.equal(supervisor.children().length, 1)
  refuse(undefined)
  waits[2]?.act()
  t.equal(supervisor.children().length, 2)
  refuse(error)
  forked[1]?.end(1)
  await settled()
  waits[3]?.act()
  const ended = supervisor.ended()
  t.ok(waits[4]?.isCancelled, 'and not any more once all shall end')
  forked[2]?.end(0)
  await ended
})

t.test('tells everybody who waits for the end of all', { timeout: 5000 }, async (t) => {
  const { forked, supervisor } = world(1)
  const ends = [supervisor.ended(), supervisor.ended()]
  forked[0]?.end(0)
  await Promise.all(ends)
  await supervisor.ended()
  t.equal(supervisor.children().length, 0)
})
