import { BoundedMap } from './bounded-map.ts'
import type { Health } from './health.ts'
import type { Ledger } from './ledger.ts'
import type { Item } from './sender.ts'
import type { StreamLogDeps } from './store.ts'

/** One that was taken here, and whom to tell that it counts. */
export type Taken = Item & Readonly<{ done: () => void }>
/** `readAt`: when the follower read it back, monotonic milliseconds. */
type Doubted = Readonly<{ item: Taken, readAt: number }>

/** The health of the server that is followed. */
export type MasterHealth = Pick<Health, 'isMasterProven' | 'isSafeSince' | 'isEnough' | 'movedAt' | 'askForMaster'>

export type AcknowledgementsDeps = Readonly<Required<Pick<StreamLogDeps, 'clock' | 'after'>>> & Readonly<{
  ledger: Ledger
  health: MasterHealth
  max: number
  /** Some count now. */
  settled: () => void
}>

/** A Redis replica has an entry sooner than this, or else Sentinels and the Cluster are asked who is master. */
const ASK_AFTER_MS = 250

/** Revocations that were read back, and those that a failover may lose: they count later. */
export function createAcknowledgements (deps: AcknowledgementsDeps) {
  const { clock, after, ledger, health } = deps
  const doubted = new BoundedMap<Doubted>(deps.max)
  let isTimed = false

  /**
   * A master that was cut off a moment ago looks as before, and loses what it took since: the Redis replicas that may
   * take over must have it, or others must have named this master after it was read.
   */
  const isSafe = ({ item, readAt }: Doubted): boolean =>
    health.isMasterProven() && (item.isReplicated || health.isSafeSince(readAt))

  /** Acknowledges what no failover loses any more; what a new generation lacks has to be read back there first. */
  function settle (): void {
    if (doubted.size === 0 || ledger.pendingRepublish.size > 0) return
    for (const [of, one] of [...doubted.entries()]) {
      if (!isSafe(one)) continue
      doubted.delete(of)
      one.item.done()
    }
    deps.settled()
  }

  /** Another server's log links up with what was read, and so holds it. */
  function readAgain (): void {
    const readAt = clock.monotonic()
    for (const [of, one] of [...doubted.entries()]) {
      if (one.readAt < health.movedAt()) doubted.set(of, { ...one, readAt })
    }
  }

  function askLater (): void {
    if (isTimed) return
    isTimed = true
    after(ASK_AFTER_MS, () => { isTimed = false; askWhereDue() })
  }

  /** Also before each wait for news, which holds up a node of a Cluster that is asked about itself. */
  function askWhereDue (): void {
    const oldest = doubted.oldest()
    if (oldest === undefined || clock.monotonic() - oldest[1].readAt < ASK_AFTER_MS) return
    health.askForMaster().then(settle, () => {})
  }

  return Object.freeze({
    settle,
    readBack (of: string, item: Taken): void {
      const one: Doubted = { item, readAt: clock.monotonic() }
      if (isSafe(one)) return item.done()
      doubted.set(of, one)
      askLater()
    },
    /** A poll linked up. */
    polled (): void {
      readAgain()
      settle()
      askWhereDue()
    },
    waiting: (): readonly Taken[] => [...doubted.entries()].map(([, { item }]) => item),
    isEmpty: () => doubted.size === 0
  })
}
