import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import t from 'tap'
import { createBudget } from '../../../src/revocation/budget.ts'
import { createEntryCodec, type Fields } from '../../../src/revocation/codec.ts'
import { Ledger } from '../../../src/revocation/ledger.ts'
import { createPublisher } from '../../../src/revocation/publisher.ts'
import type { LogStore } from '../../../src/revocation/store.ts'
import { user } from '../../helpers/log-entry.ts'
import { NO_OBSERVER } from '../../helpers/log-observer.ts'
import { manualClock } from '../../helpers/manual-clock.ts'

/** A publisher whose appends a test reads back, and whose time-outs never come. */
function open () {
  const clock = manualClock()
  const codec = createEntryCodec(Buffer.alloc(32, 1))
  const ledger = new Ledger({ clock, retentionMs: 600_000 })
  ledger.adopt('first')
  const written: Fields[] = []
  const master = { isProven: false }
  const store = {
    append: async (_generation: string, _previous: string, _retentionMs: number, entries: readonly Fields[]) => {
      written.push(...entries)
      return { kind: 'written', id: `${written.length}-0` }
    }
  } as unknown as LogStore
  const deps = { store, codec, clock, observer: NO_OBSERVER, retentionMs: 600_000, after: () => () => {} }
  const publisher = createPublisher(deps, ledger, createBudget(clock), () => master.isProven)
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
  return { clock, ledger, master, poll, outcomes }
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
