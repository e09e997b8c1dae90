import type { Sealer } from '../../crypto/sealing.ts'
import type { RedisCommands } from '../redis/commands.ts'

/** A grant of a session that is signed out, until Authgear has ended it. */
export type EndedGrant = Readonly<{ name: string, refreshToken: string }>

/** What every replica may finish, whichever took the sign-out. Each rejects where Redis does not answer. */
export type EndedGrants = Readonly<{
  add: (grant: EndedGrant) => Promise<void>
  /** What its own replica has left undone; nobody else gets it for some seconds. */
  take: () => Promise<readonly EndedGrant[]>
  remove: (name: string) => Promise<void>
}>

export type EndedGrantsDeps = Readonly<{
  commands: Pick<RedisCommands, 'queueAdd' | 'queueTake' | 'queueRemove'>
  /** Its name in Redis. */
  key: string
  sealer: Sealer
  /** While CACHE_SECRET is rotated. */
  previous?: Sealer | undefined
  writesPrevious: () => boolean
  /** Milliseconds for which the replica that added one is left to finish it. */
  dueMs?: number
}>

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
  const { commands, key, sealer, previous, writesPrevious, dueMs = DUE_MS } = deps
  const sealName = (name: string): string => `ended grant ${name}`
  const open = (name: string, payload: string): string | undefined => {
    const sealed = Buffer.from(payload, 'base64url')
    return (sealer.open(sealName(name), sealed) ?? previous?.open(sealName(name), sealed))?.toString()
  }
  const remove = (name: string): Promise<void> => commands.queueRemove(key, LIFE_MS, [name])
  return Object.freeze({
    async add ({ name, refreshToken }: EndedGrant): Promise<void> {
      const writing = previous !== undefined && writesPrevious() ? previous : sealer
      const payload = writing.seal(sealName(name), Buffer.from(refreshToken)).toString('base64url')
      await commands.queueAdd(key, { name, payload, dueMs, max: MAX_GRANTS, lifeMs: LIFE_MS })
    },
    async take (): Promise<readonly EndedGrant[]> {
      const taken = await commands.queueTake(key, MAX_TAKEN, AGAIN_MS, LIFE_MS)
      const opened = taken.map(({ name, payload }) => ({ name, refreshToken: open(name, payload) }))
      // made under a secret that nobody has any more, or by somebody else
      const junk = opened.filter(({ refreshToken }) => refreshToken === undefined).map(({ name }) => name)
      if (junk.length > 0) await commands.queueRemove(key, LIFE_MS, junk)
      return opened.flatMap(({ name, refreshToken }) => refreshToken === undefined ? [] : [{ name, refreshToken }])
    },
    remove
  })
}
