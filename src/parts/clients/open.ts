import type { Clock } from '../../base/clock.ts'
import { type ClientName, namesOfClient, readClientName } from '../../base/core/client-name.ts'
import { fingerprint } from '../../base/management/operator.ts'
import type { LogReader } from '../../base/revocation/types.ts'
import { onceAMinute, waitUntil } from '../../base/timing.ts'
import type { ClientJudge, ManagementRoutes } from '../../base/parts/feature.ts'
import type { Given, SharedRedis } from '../../base/parts/given.ts'
import { blocksIn } from './block-list.ts'
import { type Blocks, openBlocks } from './blocks.ts'
import { createClientsSeen } from './clients-seen.ts'
import { CLIENTS_PART, CLIENTS_SCRIPT } from './page.ts'
import { addClients, type ClientsDeps } from './routes.ts'
import { ASKED_KEY, BLOCKED_KEY, createBlockStore } from './store.ts'

/** `blocked`: CLIENTS_BLOCKED. */
export type ClientsSettings = Readonly<{ blocked: readonly ClientName[] }>

/** A start waits no longer: two seconds for the revocation log, and then until others have written back blocks. */
const READY_WITHIN_MS = 5000

export function openClients ({ blocked }: ClientsSettings, given: Given) {
  const { redis, managementToken: token, revoke, clock, log } = given
  const fixed = new Set(blocked)
  const blocks = redis && openSharedBlocks(redis, given)
  const seen = createClientsSeen(clock)
  const tell = createTell(revoke)
  const routes = { fixed, blocks, seen: seen.list, tell, log }
  return Object.freeze({
    judge: {
      standingOf: standingBy(fixed, blocks, redis === undefined ? () => {} : noteAskedAt(redis, clock)),
      saw: seen.saw,
      deleted: blocks === undefined ? async () => true : createDeletionBlock({ ...given, blocks, tell })
    } satisfies ClientJudge,
    ...blocks === undefined ? {} : { reads: readerFor(blocks) },
    management: token === undefined ? undefined : managementOf({ ...routes, token }),
    gauges: { blocked: () => fixed.size + (blocks === undefined ? 0 : blocksIn(blocks.list())) },
    ready: () => waitUntil(
      () => blocks === undefined || blocks.isRead() || blocks.isForeign() || redis?.isDown() === true, READY_WITHIN_MS
    ),
    close: () => blocks?.close()
  })
}

const managementOf = (deps: ClientsDeps): ManagementRoutes => ({
  routes: (scope) => addClients(scope, deps),
  section: { html: CLIENTS_PART, script: CLIENTS_SCRIPT }
})

/** CLIENTS_BLOCKED comes first: it is known whatever Redis does. */
function standingBy (
  fixed: ReadonlySet<ClientName>, blocks: Blocks | undefined, refused: () => void
): ClientJudge['standingOf'] {
  const isFixed = (clientId: string): boolean =>
    fixed.size > 0 && namesOfClient(clientId).some((name) => fixed.has(name))
  return (clientId) => {
    const standing = isFixed(clientId) ? 'blocked' : blocks?.standingOf(clientId) ?? 'free'
    if (standing === 'blocked') refused()
    return standing
  }
}

/** News of other replicas are taken at once. */
const readerFor = (blocks: Blocks): Partial<LogReader> => ({
  begins: (_log, since) => blocks.begins(since),
  read: ({ revocation: { target } }) => { if (target.kind === 'block') blocks.take(target.name, target.mark) }
})

/** How long Redis remembers that a blocked client asked, for doctor. */
const ASKED_KNOWN_MS = 10 * 60_000

const noteAskedAt = ({ commands, keyOf }: SharedRedis, clock: Clock): () => void => onceAMinute(clock, () => {
  commands.setPx(keyOf(ASKED_KEY), Buffer.from('1'), ASKED_KNOWN_MS).catch(() => {})
})

/** The longest time after which a polling replica shows up, as for the revocation log. */
const MIN_STALE_MS = 3000

function openSharedBlocks (
  { patient: commands, sealing, keyOf, reportOnce }: SharedRedis,
  { clock, log, isFollowing, degradedTtlMs, managementToken, tellsDeletions }: Given
): Blocks {
  const name = keyOf(BLOCKED_KEY)
  return openBlocks({
    store: createBlockStore({ ...sealing, commands, name }),
    clock,
    isFollowing,
    staleMs: Math.max(MIN_STALE_MS, degradedTtlMs),
    mayChange: managementToken !== undefined || tellsDeletions,
    foreign: () => log.error({ key: name }, FOREIGN),
    failed: (error) => reportOnce('blocked_clients', error)
  })
}

const FOREIGN =
  'the list of blocked clients was sealed in Redis under another CACHE_SECRET, so resource tokens are ' +
    'answered 503: set CACHE_SECRET_PREVIOUS to that one, or delete the key to lift every block ' +
    '(docs/resource-tokens.md)'

type Tell = ClientsDeps['tell']

const createTell = (revoke: Given['revoke']): Tell => async (name, mark) => {
  if (mark === undefined) return false
  const origin = mark.origin === 'deletion' ? 'audit' : 'management'
  return await revoke({ target: { kind: 'block', name, mark }, origin, quietMs: 0 }) === 'logged'
}

const TOO_MANY_DELETED =
  'more clients were deleted at Authgear than can be blocked here: this one loses only the tokens that it ' +
    'has; lift the blocks of clients whose refresh tokens have expired (docs/resource-tokens.md)'

type DeletionDeps = Pick<Given, 'log' | 'clock'> & Readonly<{ blocks: Blocks, tell: Tell }>

function createDeletionBlock ({ blocks, tell, log, clock }: DeletionDeps): ClientJudge['deleted'] {
  const warn = onceAMinute(clock, () => log.error(TOO_MANY_DELETED))
  return async (clientId, at) => {
    const reading = readClientName(clientId)
    if (reading.kind === 'problem') return true
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
    return await tell(reading.name, mark) && outcome === 'kept'
  }
}
