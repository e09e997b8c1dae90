import type { CacheKeys } from '../../../base/core/cache-key.ts'
import type { Sealer, Sealing } from '../../../base/crypto/sealing.ts'
import type { RedisCommands } from '../../../base/redis/commands.ts'
import { ownGrantsKey } from './keys.ts'

/** A grant of a session that is signed out, until Authgear has ended it. */
export type EndedGrant = Readonly<{ name: string, refreshToken: string }>

/** Grants that every replica may end, whichever took the sign-out. Each call rejects where Redis does not answer. */
export type EndedGrants = Readonly<{
  add: (grant: EndedGrant) => Promise<void>
  /** Takes what its own replica has left undone; nobody else gets it for some seconds. */
  take: () => Promise<readonly EndedGrant[]>
  remove: (name: string) => Promise<void>
}>

export type EndedGrantsDeps = Sealing & Readonly<{
  commands: Pick<RedisCommands, 'queueAdd' | 'queueTake' | 'queueRemove'>
  keyPrefix: string
  /**
   * The names of one client's queues, under each secret: a queue holds nothing that its readers cannot open, or end.
   */
  names: CacheKeys
  /** Milliseconds for which the replica that added one is left to finish it. */
  dueMs?: number
}>

type Queue = Readonly<{ key: string, sealer: Sealer }>

/** Two seconds at most: after the sign-out's own replica, and with POLL_MS and the call in mind. */
const DUE_MS = 1500
/** Longer than most calls; one that fails again and again is tried less and less often. */
const AGAIN_MS = 5000
/** Authgear may be away for as long. */
const LIFE_MS = 86_400_000
/** A sign-out takes a login, of which Authgear allows 60 a minute and user: 300 KB at most. */
const MAX_GRANTS = 1000
const MAX_TAKEN = 50

export function createEndedGrants (deps: EndedGrantsDeps): EndedGrants {
  const { commands, dueMs = DUE_MS } = deps
  const [own, older] = queuesOf(deps)
  const queues = older === undefined ? [own] : [own, older]
  const sealName = (name: string): string => `ended grant ${name}`

  async function takeFrom ({ key, sealer }: Queue): Promise<readonly EndedGrant[]> {
    const taken = await commands.queueTake(key, MAX_TAKEN, AGAIN_MS, LIFE_MS)
    const opened = taken.map(({ name, payload }) =>
      ({ name, refreshToken: sealer.open(sealName(name), Buffer.from(payload, 'base64url'))?.toString() }))
    const junk = opened.filter(({ refreshToken }) => refreshToken === undefined).map(({ name }) => name)
    if (junk.length > 0) await commands.queueRemove(key, LIFE_MS, junk)
    return opened.flatMap(({ name, refreshToken }) => refreshToken === undefined ? [] : [{ name, refreshToken }])
  }

  return Object.freeze({
    async add ({ name, refreshToken }: EndedGrant): Promise<void> {
      const { key, sealer } = older !== undefined && deps.writesPrevious() ? older : own
      const payload = sealer.seal(sealName(name), Buffer.from(refreshToken)).toString('base64url')
      await commands.queueAdd(key, { name, payload, dueMs, max: MAX_GRANTS, lifeMs: LIFE_MS })
    },
    async take (): Promise<readonly EndedGrant[]> {
      const ends = await Promise.allSettled(queues.map(takeFrom))
      const taken = ends.flatMap((end) => end.status === 'fulfilled' ? end.value : [])
      // one queue may be where Redis is away: what the other one gave is due now
      const failed = ends.find((end) => end.status === 'rejected')
      if (taken.length === 0 && failed !== undefined) throw failed.reason
      return taken
    },
    async remove (name: string): Promise<void> {
      await Promise.all(queues.map(({ key }) => commands.queueRemove(key, LIFE_MS, [name])))
    }
  })
}

function queuesOf ({ keyPrefix, names, sealer, previous }: EndedGrantsDeps): readonly [own: Queue, older?: Queue] {
  const own = { key: ownGrantsKey(keyPrefix, names.current), sealer }
  return names.previous === undefined || previous === undefined
    ? [own]
    : [own, { key: ownGrantsKey(keyPrefix, names.previous), sealer: previous }]
}
