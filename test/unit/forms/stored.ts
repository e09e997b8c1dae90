import { decodeEntry, encodeEntry } from '../../../src/base/cache/entry-codec.ts'
import { createSecretCheck } from '../../../src/base/cache/secret-check.ts'
import { deriveKeys } from '../../../src/base/core/cache-key.ts'
import { createSealer } from '../../../src/base/crypto/sealing.ts'
import { readMark, writeMark } from '../../../src/base/revocation/block-mark.ts'
import { createEntryCodec } from '../../../src/base/revocation/codec.ts'
import { createKeyStore } from '../../../src/parts/assertion/shared-keys.ts'
import { decodePosition, encodePosition } from '../../../src/parts/audit-log/position.ts'
import { createBlockStore } from '../../../src/parts/clients/store.ts'
import { createGrantQueue } from '../../../src/parts/login/oidc/ended-grants.ts'
import { openAt, seal, TOMBSTONE } from '../../../src/parts/login/sessions/record.ts'
import { createListsInRedis } from '../../../src/parts/login/sessions/users.ts'
import { STORED_PROFILE } from '../../../src/parts/profile/shared.ts'
import { openPresence } from '../../../src/parts/status/presence.ts'
import { createBudget } from '../../../src/parts/tokens/basic/shared-budget.ts'
import { STORED_PAIR } from '../../../src/parts/tokens/basic/record.ts'
import { manualClock } from '../../helpers/manual-clock.ts'
import { type Form, oneKey, OPEN, shared } from './one-key.ts'
import * as sample from './samples.ts'

const SEALING = { sealer: OPEN, previous: undefined, writesPrevious: () => false }
const clock = manualClock(1)
const codec = createEntryCodec(Buffer.alloc(32, 1))
const place = { key: sample.KEY, sealer: OPEN }

const keysIn = (commands: ReturnType<typeof oneKey>) => createKeyStore({
  ...SEALING, commands, canSign: () => true, name: 'n', clock, schedule: { algorithm: 'ES256', rotationMs: 3_600_000 }
})
const blocksIn = (commands: ReturnType<typeof oneKey>) => createBlockStore({ ...SEALING, commands, name: 'n' })
const listIn = (commands: ReturnType<typeof oneKey>) =>
  createListsInRedis({ commands, keyPrefix: '', sealer: OPEN, lifeMs: 1 })
const grantsIn = (commands: ReturnType<typeof oneKey>) =>
  createGrantQueue({ ...SEALING, queue: commands, keyPrefix: '', names: { current: sample.KEY, previous: undefined } })
const canaryIn = (commands: ReturnType<typeof oneKey>) =>
  createSecretCheck({ commands, sealer: OPEN, name: 'n', clock })
const budgetIn = (commands: ReturnType<typeof oneKey>) => createBudget(clock, { commands, sealer: OPEN, name: 'n' })

const presenceOf = (announce: Parameters<typeof openPresence>[0]['announce']) => openPresence({
  announce, self: () => sample.REPLICA, isFollowing: () => true, failed: (error) => { throw error }, everyMs: 1
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const bytes = (written: string): Buffer => Buffer.from(written)
const found = (value: unknown): boolean => value !== undefined && value !== null && value !== 'foreign'

/** Each under its purpose: another label would be another secret. */
function keysOf (secret: string): string {
  const { digest, sealing, log, of } = deriveKeys(bytes(secret))
  return [digest, sealing, log, of('own sessions')].map((key) => Buffer.from(key).toString('base64')).join(' ')
}

/** What replicas keep in Redis, and the keys that it is sealed and named by. */
export const STORED: Readonly<Record<string, Form>> = {
  'keys v1': {
    write: () => keysOf('s'),
    read: (written) => written === keysOf('s')
  },
  'sealing 1': {
    write: () => {
      const sealed = createSealer(Buffer.alloc(32, 1)).seal('name', bytes('plain'))
      return JSON.stringify([`format ${sealed[0]}, ${sealed.length - 'plain'.length} bytes more`])
    },
    read: (written) =>
      createSealer(Buffer.alloc(32, 1)).open('name', Buffer.from(written, 'base64'))?.toString() === 'plain'
  },
  'entry 1': {
    write: () => text(encodeEntry(sample.ENTRY)),
    read: (written) => found(decodeEntry(bytes(written)))
  },
  'profile 2': {
    write: () => text(STORED_PROFILE.encode(sample.STORED)),
    read: (written) => found(STORED_PROFILE.decode(bytes(written)))
  },
  'basic 1': {
    write: () => text(STORED_PAIR.encode(sample.PAIR)),
    read: (written) => found(STORED_PAIR.decode(bytes(written)))
  },
  'own session 1': {
    write: () => text(seal(place, sample.RECORD)),
    read: (written) => typeof openAt(place, bytes(written)) === 'object'
  },
  'own session, signed out': {
    write: () => TOMBSTONE.toString(),
    read: (written) => openAt(place, bytes(written)) === 'ended'
  },
  'sessions of a user': {
    write: () => shared((commands) => listIn(commands).write(sample.KEY, { version: 7, text: 'one other~before' })),
    read: async (written) => (await listIn(oneKey(written)).read(sample.KEY)).text === 'one other~before'
  },
  'ended grants': {
    write: () => shared((commands) => grantsIn(commands).add({ name: 'n', refreshToken: 'r' })),
    read: async (written) => (await grantsIn(oneKey(written)).take())[0]?.refreshToken === 'r'
  },
  'assertion keys 1': {
    write: () => shared((commands) => keysIn(commands)(sample.KEY_SET)),
    read: async (written) => (await keysIn(oneKey(written))(undefined) as { sid?: string }).sid === 's'
  },
  'blocked clients 1': {
    write: () => shared((commands) => blocksIn(commands).sync(new Map(sample.BLOCKS))),
    read: async (written) => {
      const synced = await blocksIn(oneKey(written)).sync(new Map())
      return synced !== 'foreign' && synced.list.size > 0
    }
  },
  'basic exchanges 1': {
    write: () => shared((commands) => budgetIn(commands).spend({ client: 'c', isKnown: true, from: 'f' })),
    read: async (written) => {
      const commands = oneKey(written)
      await budgetIn(commands).spend({ client: 'd', isKnown: true, from: 'f' })
      return commands.text().length > written.length
    }
  },
  'secret check': {
    write: async () => Buffer.from(await shared((commands) => canaryIn(commands).refresh(true)), 'base64').toString(),
    read: async (written) =>
      (await canaryIn(oneKey(bytes(written).toString('base64'))).read()).kind === 'current'
  },
  'audit position 1': {
    write: () => encodePosition(sample.POSITION),
    read: (written) => decodePosition(written)?.newest === 1
  },
  'entry of the revocation log 1': {
    write: () => JSON.stringify(codec.encode('g', 'p', 'o', sample.REVOCATION)),
    read: (written) => {
      const read = codec.decode('7-0', JSON.parse(written) as Record<string, string>)
      return read.provenance === 'authentic' && !read.isJunk && read.entry.nonce !== ''
    }
  },
  'block in the revocation log': {
    write: () => sample.BLOCKS.map(([name, mark]) => writeMark(name, mark)).join(),
    read: (written) => readMark(written)?.name === 'c'
  },
  "a replica's announcement": {
    write: () => new Promise((resolve) => {
      const { close } = presenceOf(async ({ says }) => {
        resolve(says)
        close().catch(() => {})
        return { count: 1, newest: [] }
      })
    }),
    read: (written) => new Promise((resolve) => {
      const presence = presenceOf(async () => {
        setImmediate(() => {
          resolve(presence.others()[0]?.name === sample.REPLICA.name)
          presence.close().catch(() => {})
        })
        return { count: 1, newest: [['another', written]] }
      })
    })
  }
}
