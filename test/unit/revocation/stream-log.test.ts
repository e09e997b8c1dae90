import t from 'tap'
import { systemClock } from '../../../src/base/clock.ts'
import { createEntryCodec } from '../../../src/base/revocation/codec.ts'
import type { LogStore } from '../../../src/base/revocation/store.ts'
import { createStreamLog } from '../../../src/base/revocation/stream-log.ts'
import { NO_OBSERVER } from '../../helpers/log-observer.ts'

/** A log that is never there, whatever is begun: nothing else could end a poll. */
function emptyStore (): Readonly<{ store: LogStore, changes: () => number }> {
  let changes = 0
  const store: LogStore = {
    form: 'one',
    wait: async () => {},
    snapshot: async () => {
      if (changes > 100) throw new Error('it goes on without an end')
      return {
        entries: [],
        length: 0,
        head: undefined,
        isReadable: true,
        isMaster: true,
        acknowledged: [],
        offset: undefined,
        replicationId: 'r',
        now: 0
      }
    },
    append: async () => ({ kind: 'unusable' }),
    trim: async () => {},
    change: async () => { changes++; return { kind: 'unusable' } },
    confirmHistory: async () => {},
    confirmMaster: async () => 'master',
    close: async () => {}
  }
  return { store, changes: () => changes }
}

t.test('a poll ends where the log can never be read', async (t) => {
  const { store, changes } = emptyStore()
  const codec = createEntryCodec(Buffer.alloc(32, 1))
  const log = createStreamLog({ store, codec, clock: systemClock, retentionMs: 60_000, observer: NO_OBSERVER })
  await t.rejects(log.poll(), /changes faster than it can be read/)
  t.equal(changes(), 20)
})
