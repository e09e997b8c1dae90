import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import t from 'tap'
import { createBudget } from '../../../src/base/revocation/budget.ts'
import { createEntryCodec, type Fields } from '../../../src/base/revocation/codec.ts'
import { Ledger } from '../../../src/base/revocation/ledger.ts'
import { createPublisher } from '../../../src/base/revocation/publisher.ts'
import type { LogStore } from '../../../src/base/revocation/store.ts'
import { user } from '../../helpers/log-entry.ts'
import { NO_OBSERVER } from '../../helpers/log-observer.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

/** A publisher whose appends a test reads back, and whose timers a test fires. */
function open () {
  const clock = manualClock()
  const codec = createEntryCodec(Buffer.alloc(32, 1))
  const ledger = new Ledger({ clock, retentionMs: 600_000 })
  ledger.adopt('first')
  const written: Fields[] = []
  const master = { isProven: false, isSafe: true, asked: 0, movedAt: -Infinity }
  let replicate = (_copies: number | undefined): void => {}
  const store = {
    append: async (_generation: string, _previous: string, _retentionMs: number, entries: readonly Fields[]) => {
      written.push(...entries)
      const replicated = new Promise<number | undefined>((resolve) => { replicate = resolve })
      return { kind: 'written', id: `${written.length}-0`, replicated }
    }
  } as unknown as LogStore
  const timers: Readonly<{ ms: number, callBack: () => void }>[] = []
  const after = (ms: number, callBack: () => void): () => void => {
    timers.push({ ms, callBack })
    return () => {}
  }
  /** Those of so many milliseconds come due. */
  const fire = (ms: number): void => { for (const one of timers.splice(0)) if (one.ms === ms) one.callBack() }
  const deps = { store, codec, clock, observer: NO_OBSERVER, retentionMs: 600_000, after }
  const publisher = createPublisher(deps, ledger, createBudget(clock), {
    isMasterProven: () => master.isProven,
    isSafeSince: () => master.isProven && master.isSafe,
    isEnough: (copies) => copies > 1,
    movedAt: () => master.movedAt,
    askForMaster: async () => { master.asked++ }
  })
  /** The follower reads what was appended since the last call, and the poll links up. */
  function poll (): void {
    for (const fields of written.splice(0)) {
      const { entry } = codec.decode('1-0', fields)
      ledger.apply(entry)
      if (entry.revocation !== undefined) publisher.confirm(entry.of, entry.revocation)
    }
    publisher.publish(clock.monotonic())
  }
  const outcomes: string[] = []
  publisher.revoke(user('alice')).then((outcome) => outcomes.push(outcome), () => {})
  return { clock, ledger, master, poll, outcomes, fire, replicate: (copies: number | undefined) => replicate(copies) }
}

t.test('acknowledges what was read from a doubted master at the first proven poll', async (t) => {
  const { master, poll, outcomes } = open()
  await turnOfTheLoop()
  poll()
  await turnOfTheLoop()
  t.strictSame(outcomes, [], 'it is read, but may be lost')
  master.isProven = true
  poll()
  await turnOfTheLoop()
  t.strictSame(outcomes, ['logged'])
})

t.test('acknowledges what was read from a proven master at once', async (t) => {
  const { master, poll, outcomes } = open()
  master.isProven = true
  await turnOfTheLoop()
  poll()
  await turnOfTheLoop()
  t.strictSame(outcomes, ['logged'])
})

const ANSWERS = [[2, ['logged']], [undefined, ['logged']], [1, []], [0, []]] as const

t.test('a proven master that may have been cut off acknowledges what enough copies have', async (t) => {
  for (const [copies, expected] of ANSWERS) {
    const { clock, master, poll, outcomes, fire, replicate } = open()
    Object.assign(master, { isProven: true, isSafe: false })
    await turnOfTheLoop()
    poll()
    await turnOfTheLoop()
    t.strictSame(outcomes, [], 'it is read, but no copy is known to have it')
    replicate(copies)
    await turnOfTheLoop()
    t.strictSame(outcomes, expected, `WAIT says ${copies}`)
    clock.advance(250)
    fire(250)
    t.equal(master.asked, 1 - expected.length, 'others are asked where no copy has it')
  }
})

t.test('or what it has after Sentinels named it master', async (t) => {
  const { clock, master, poll, outcomes, fire } = open()
  Object.assign(master, { isProven: true, isSafe: false })
  await turnOfTheLoop()
  poll()
  master.isSafe = true
  clock.advance(250)
  fire(250)
  await turnOfTheLoop()
  t.strictSame(outcomes, ['logged'])
})

t.test('what a doubted master lost is acknowledged once the next log has it', async (t) => {
  const { clock, ledger, master, poll, outcomes } = open()
  await turnOfTheLoop()
  poll()
  ledger.adopt('second')
  master.isProven = true
  poll()
  await turnOfTheLoop()
  t.strictSame(outcomes, [], 'it has to be carried over first')
  clock.advance(2000)
  poll()
  await turnOfTheLoop()
  poll()
  poll()
  await turnOfTheLoop()
  t.strictSame(outcomes, ['logged'])
})
