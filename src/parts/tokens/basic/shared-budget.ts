import type { Clock } from '../../../base/clock.ts'
import { isString, listOf, objectOf, parseJson } from '../../../base/core/json.ts'
import type { Sealer } from '../../../base/crypto/sealing.ts'
import type { RedisCommands } from '../../../base/redis/commands.ts'
import { type Exchange, OF_AUTHGEAR, passed, spend } from './budget.ts'

/** The list in Redis. */
export type BudgetPlace = Readonly<{
  commands: Pick<RedisCommands, 'getBuffer' | 'compareAndSet'>
  sealer: Sealer
  /** The key's name. */
  name: string
}>

/** The exchanges that the replicas may make together; without Redis each counts its own. */
export type Budget = Readonly<{
  /** True if this pair has no call now, as far as this replica knows: asks nobody. */
  isFull: (wanted: Wanted) => boolean
  /** @returns whether the exchange may be made. Never rejects. */
  spend: (wanted: Wanted) => Promise<boolean>
  /** Its pair is good, so that it counts as no guess. Never rejects. */
  passed: (wanted: Wanted) => Promise<void>
  /** Authgear answered 429: others use its limits, too. For a while this replica makes no exchange. */
  limited: () => void
  /** Authgear took one. */
  taken: () => void
}>

export type Wanted = Omit<Exchange, 'at'> & Readonly<{ hasPassed?: boolean }>
/** An exchange that is about to be made. */
type Next = Readonly<{ exchange: Exchange, hasPassed: boolean }>

/** Names the form, too: what opens under it is a list of exchanges. */
const SEALING_NAME = 'basic exchanges 1'
/** Each attempt that fails is another's exchange, and a minute has no more of those. */
const MAX_ATTEMPTS = OF_AUTHGEAR.inAll + 1

/** @param replicas that count alone like this one while Redis is away, as far as it knows */
export function createBudget (
  clock: Pick<Clock, 'wall' | 'monotonic'>, place: BudgetPlace | undefined, replicas = () => 1
): Budget {
  const pause = createPause(clock)
  let own: readonly Exchange[] = []
  /** What this replica saw last, and how many count it alone. */
  let [seen, counting] = [own, 1]

  const nextOf = ({ hasPassed = false, ...wanted }: Wanted): Next =>
    ({ exchange: { at: clock.wall(), ...wanted }, hasPassed })

  function spendAlone ({ exchange, hasPassed }: Next): boolean {
    counting = replicas()
    const spent = spend(own, exchange, hasPassed, counting)
    if (spent !== undefined) own = spent
    seen = own
    return spent !== undefined
  }

  /** @returns undefined where another replica wrote meanwhile */
  async function attempt (place: BudgetPlace, next: Next): Promise<boolean | undefined> {
    const sealed = await place.commands.getBuffer(place.name)
    const made = sealed === null ? [] : read(place.sealer.open(SEALING_NAME, sealed))
    const spent = spend(made, next.exchange, next.hasPassed)
    seen = spent ?? made
    counting = 1
    if (spent === undefined) return false
    return await write(place, sealed, spent) ? true : undefined
  }

  /** Where others always write meanwhile it counts as a guess, which harms nobody for longer than a minute. */
  async function sharePassed (place: BudgetPlace, wanted: Wanted): Promise<void> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const sealed = await place.commands.getBuffer(place.name)
      if (sealed === null) return
      if (await write(place, sealed, passed(read(place.sealer.open(SEALING_NAME, sealed)), wanted))) return
    }
  }

  async function spendShared (shared: BudgetPlace, next: Next): Promise<boolean> {
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const isSpent = await attempt(shared, next)
      if (isSpent === true) own = spend(own, next.exchange, next.hasPassed) ?? own // counts on if Redis goes away
      if (isSpent !== undefined) return isSpent
    }
    return false
  }

  return Object.freeze({
    isFull (wanted: Wanted): boolean {
      const { exchange, hasPassed } = nextOf(wanted)
      return !pause.isOver() || spend(seen, exchange, hasPassed, counting) === undefined
    },
    async spend (wanted: Wanted): Promise<boolean> {
      if (!pause.isOver()) return false
      const next = nextOf(wanted)
      return place === undefined
        ? spendAlone(next)
        : await spendShared(place, next).catch(() => spendAlone(next))
    },
    async passed (wanted: Wanted): Promise<void> {
      own = passed(own, wanted)
      seen = passed(seen, wanted)
      if (place !== undefined) await sharePassed(place, wanted).catch(() => {})
    },
    limited: pause.limited,
    taken: pause.taken
  })
}

/** @returns false where another replica wrote meanwhile */
function write (
  { commands, sealer, name }: BudgetPlace, before: Buffer | null, made: readonly Exchange[]
): Promise<boolean> {
  return commands.compareAndSet(
    name, before ?? Buffer.alloc(0), sealer.seal(SEALING_NAME, Buffer.from(JSON.stringify(made)))
  )
}

/** What another secret sealed counts as nothing. */
function read (plain: Buffer | undefined): readonly Exchange[] {
  const rows = listOf(plain === undefined ? undefined : parseJson(plain.toString()))
  return rows.flatMap((row) => {
    const { at, client, isKnown, from } = objectOf(row) ?? {}
    if (typeof at !== 'number' || !isString(client) || typeof isKnown !== 'boolean') return []
    return [{ at, client, isKnown, from: isString(from) ? from : undefined }]
  })
}

/** Authgear's bucket of a project has another call by then. */
const SHORTEST_MS = 3000
const LONGEST_MS = 30_000

/** A pause after each 429, twice as long where the one before did not help: other programs need tokens, too. */
function createPause (clock: Pick<Clock, 'monotonic'>) {
  let until = -Infinity
  let lastMs = 0
  const isOver = (): boolean => clock.monotonic() >= until
  return Object.freeze({
    isOver,
    /** Several calls of one moment are one. */
    limited (): void {
      if (!isOver()) return
      lastMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 2 * lastMs))
      until = clock.monotonic() + lastMs
    },
    /** Authgear took a call. */
    taken: (): void => { lastMs = 0 }
  })
}
