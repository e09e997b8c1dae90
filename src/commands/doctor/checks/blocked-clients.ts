import { createSealer } from '../../../crypto/sealing.ts'
import { deriveKeys, secretBytes } from '../../../core/cache-key.ts'
import { NO_BLOCKS } from '../../../shared/block-list/block-list.ts'
import { createBlockStore } from '../../../shared/block-list/store.ts'
import { found } from '../catalogue.ts'
import { type Context, type DoctorRedis, looked, type Outcome, type Probe, skipped } from '../check.ts'

/** Can replicas read which clients are blocked, and does one of those still ask? */
export const blockedClients: Probe = {
  title: 'blocked clients are known, and have stopped',
  needs: 'redis',
  async run ({ redis, config }) {
    if (config.resources.length === 0) return skipped('RESOURCES is not set')
    if (redis === undefined) return skipped('without Redis there is CLIENTS_BLOCKED alone')
    return await look(redis, config)
  }
}

/** Writes nothing: it holds nothing that Redis could lack. */
async function look ({ keys, connection: { commands } }: DoctorRedis, { cache }: Context['config']): Promise<Outcome> {
  const sealerOf = (secret: string | undefined) => createSealer(deriveKeys(secretBytes(secret)).sealing)
  const store = createBlockStore({
    commands: { ...commands, compareAndSet: async () => true },
    sealer: sealerOf(cache.secret),
    previous: cache.previousSecret === undefined ? undefined : sealerOf(cache.previousSecret),
    writesPrevious: () => false,
    name: keys.blockedClients
  })
  const list = await store.sync(NO_BLOCKS).catch(() => undefined)
  const asked = await commands.getBuffer(keys.blockedAsked).catch(() => undefined)
  if (list === undefined || asked === undefined) return skipped('Redis did not answer')
  return looked(
    list === 'foreign' ? found('blocks-unreadable', 'the list of blocked clients does not open') : undefined,
    asked === null ? undefined : found('blocked-client-asks', 'a blocked client asked within the last ten minutes')
  )
}
