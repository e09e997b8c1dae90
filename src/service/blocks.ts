import type { Clock } from '../clock.ts'
import type { Sealing } from '../crypto/sealing.ts'
import { type ClientName, namesOfClient, readClientName } from '../core/client-name.ts'
import type { Log } from '../operate/logging/log.ts'
import { fingerprint } from '../operate/management/operator.ts'
import { type ClientsSeen, createClientsSeen } from '../request/resource/clients-seen.ts'
import { blocksIn, type Mark } from '../shared/block-list/block-list.ts'
import { type Blocks, type ClientStanding, openBlocks } from '../shared/block-list/blocks.ts'
import { createBlockStore } from '../shared/block-list/store.ts'
import type { RedisKeys } from '../shared/redis/keys.ts'
import type { RevocationLog } from '../shared/revocation/types.ts'
import type { ServiceSettings } from './settings.ts'
import type { Shared } from './shared.ts'
import { onceAMinute, waitUntil } from '../timing.ts'

export type BlockParts = Readonly<{
  standingOf: (clientId: string) => ClientStanding
  /** CLIENTS_BLOCKED */
  fixed: ReadonlySet<ClientName>
  /** Undefined without Redis: CLIENTS_BLOCKED alone. */
  shared: Blocks | undefined
  count: () => number
  seen: ClientsSeen
  /** A blocked client asked. */
  refusedBlocked: () => void
  /** Before it takes requests: the list was read, or cannot be waited for. */
  ready: () => Promise<void>
}>

export type BlockDeps = Readonly<{
  shared: Shared
  sealing: Sealing
  keys: Pick<RedisKeys, 'blockedClients' | 'blockedAsked'>
  /** Of the revocation log, which is opened later. */
  isFollowing: () => boolean
  log: Log
  clock: Clock
}>

/** Undefined without RESOURCES: no other token has a client. */
export function openBlockParts (settings: ServiceSettings, deps: BlockDeps): BlockParts | undefined {
  if (settings.resources.length === 0) return undefined
  const fixed = new Set(settings.clientsBlocked)
  const shared = openSharedBlocks(settings, deps)
  const isFixed = (clientId: string): boolean =>
    fixed.size > 0 && namesOfClient(clientId).some((name) => fixed.has(name))
  return Object.freeze({
    standingOf: (clientId: string) => isFixed(clientId) ? 'blocked' : shared?.standingOf(clientId) ?? 'free',
    fixed,
    shared,
    seen: createClientsSeen(deps.clock),
    refusedBlocked: onceAMinute(deps.clock, () => noteAsked(deps)),
    count: () => fixed.size + (shared === undefined ? 0 : blocksIn(shared.list())),
    ready: () => waitUntil(
      () => shared === undefined || shared.isRead() || shared.isForeign() || deps.shared.isDown(),
      READ_WITHIN_MS
    )
  })
}

/** Redis remembers for so long that a blocked client asked: for doctor. */
const ASKED_KNOWN_MS = 10 * 60_000

function noteAsked ({ shared: { redis }, keys }: BlockDeps): void {
  redis?.connection.commands.setPx(keys.blockedAsked, Buffer.from('1'), ASKED_KNOWN_MS).catch(() => {})
}

/** As for the revocation log: a replica that polls is heard of after so long at the latest. */
const MIN_STALE_MS = 3000

function openSharedBlocks (
  { cache, managementToken, audit }: ServiceSettings,
  { shared: { redis, reportOnce }, sealing, keys, isFollowing, log, clock }: BlockDeps
): Blocks | undefined {
  if (redis === undefined) return undefined
  return openBlocks({
    store: createBlockStore({ ...sealing, commands: redis.connection.patient, name: keys.blockedClients }),
    clock,
    isFollowing,
    staleMs: Math.max(MIN_STALE_MS, cache.degradedTtlMs),
    mayChange: managementToken !== undefined || audit !== undefined,
    foreign: () => log.error({ key: keys.blockedClients }, FOREIGN),
    failed: (error) => reportOnce('blocked_clients', error)
  })
}

const FOREIGN =
  'the list of blocked clients was sealed in Redis under another CACHE_SECRET, so resource tokens are ' +
    'answered 503: set CACHE_SECRET_PREVIOUS to that one, or delete the key to lift every block ' +
    '(docs/resource-tokens.md)'

/** A start waits no longer. */
const READ_WITHIN_MS = 2000

/** @returns whether all replicas are told; else it is told again by the list, once Redis takes it */
export async function tellBlock (
  revocations: Pick<RevocationLog, 'revoke'>,
  name: ClientName,
  mark: Mark | undefined
): Promise<boolean> {
  if (mark === undefined) return false
  const origin = mark.origin === 'deletion' ? 'audit' : 'management'
  return await revocations.revoke({ target: { kind: 'block', name, mark }, origin, quietMs: 0 }) === 'logged'
}

const TOO_MANY_DELETED =
  'more clients were deleted at Authgear than can be blocked here: this one loses only the tokens that it ' +
    'has; lift the blocks of clients whose refresh tokens have expired (docs/resource-tokens.md)'

type DeletionDeps = Readonly<{ blocks: Blocks | undefined, revocations: RevocationLog, log: Log, clock: Clock }>

/** For the audit log: blocks a client that was deleted. @returns whether it need not be read again */
export function createDeletionBlock (
  { blocks, revocations, log, clock }: DeletionDeps
): (clientId: string, at: number) => Promise<boolean> {
  const warn = onceAMinute(clock, () => log.error(TOO_MANY_DELETED))
  return async (clientId, at) => {
    const reading = readClientName(clientId)
    if (blocks === undefined || reading.kind === 'problem') return true
    const before = blocks.list().get(reading.name)
    const outcome = await blocks.blockDeleted(reading.name, at)
    if (outcome === 'full') {
      warn()
      return true
    }
    const mark = blocks.list().get(reading.name)
    if (mark === before) return outcome === 'kept'
    const fields = { of: `client ${fingerprint(reading.name)}`, kept: outcome === 'kept' }
    log.info(fields, 'a client was deleted at Authgear, and is blocked')
    return await tellBlock(revocations, reading.name, mark) && outcome === 'kept'
  }
}
