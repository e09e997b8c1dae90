import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ClientName, namesOfClient, readClientName } from '../../base/core/client-name.ts'
import type { Log } from '../../base/logging/log.ts'
import { fingerprint, GIVEN_UP, isWaiting, operatorFields, operatorsOnly } from '../../base/management/operator.ts'
import type { Mark } from '../../base/revocation/block-mark.ts'
import { blocksIn, MAX_BLOCKS } from './block-list.ts'
import type { BlockOutcome, Blocks, Terms } from './blocks.ts'
import type { ClientSeen } from './clients-seen.ts'

export type ClientsDeps = Readonly<{
  /** MANAGEMENT_TOKEN */
  token: string
  /** CLIENTS_BLOCKED */
  fixed: ReadonlySet<ClientName>
  /** Undefined without Redis. */
  blocks: Blocks | undefined
  /** Clients that this replica saw in the last 24 hours. */
  seen: () => readonly ClientSeen[]
  /** Publishes it to the other replicas. @returns whether Redis has it; else the list is published again later */
  tell: (name: ClientName, mark: Mark | undefined) => Promise<boolean>
  log: Log
}>

type Answer = Readonly<{ code: 200 | 400 | 408 | 409 | 412 | 503, body: object }>
type Change = (blocks: Blocks, name: ClientName, terms: Terms) => Promise<BlockOutcome | 'not_blocked'>
type Named = Readonly<{ Params: { client_id: string } }>

const PATH = '/clients/:client_id/block'
/** None is meant: whatever an operator's tool sends is discarded. */
const MAX_BODY_BYTES = 1024

/** Adds `GET /clients`, `PUT` and `DELETE /clients/{client_id}/block`, where the id is percent-encoded. */
export function addClients (app: FastifyInstance, deps: ClientsDeps): void {
  const how = { bodyLimit: MAX_BODY_BYTES }
  app.addHook('onRequest', operatorsOnly(deps.token))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => { done(null) })
  const route = (verb: 'blocked' | 'lifted', change: Change) =>
    async (request: FastifyRequest<Named>, reply: FastifyReply): Promise<object> => {
      const { code, body } = await answerTo(deps, request, verb, change)
      reply.code(code)
      return body
    }
  app.get('/clients', how, () => listOf(deps))
  app.put<Named>(PATH, how, route('blocked', (blocks, name, terms) => blocks.block(name, terms)))
  app.delete<Named>(PATH, how, route('lifted', (blocks, name, terms) => blocks.lift(name, terms)))
}

/** Names that are blocked, and clients that this replica saw. */
function listOf ({ fixed, blocks, seen }: ClientsDeps): object {
  const marks = [...blocks?.list() ?? []].filter(([, mark]) => mark.isBlocked)
  const names = new Set([...fixed, ...marks.map(([name]) => name)])
  return {
    blocked: [
      ...Array.from(fixed, (name) => ({ name, origin: 'configuration' })),
      ...marks.map(([name, { at, origin }]) => ({
        name, origin, since: at < DATED_FROM ? undefined : timeOf(at), at
      }))
    ],
    seen: seen().map((client) => rowOf(client, names))
  }
}

function rowOf (
  { id, resources, users, first, last, requests, refusals }: ClientSeen,
  blocked: ReadonlySet<ClientName>
): object {
  const by = namesOfClient(id).find((name) => blocked.has(name))
  return {
    client_id: id,
    blocked: by !== undefined,
    blocked_by: by,
    resources,
    users,
    first_seen: timeOf(first),
    last_seen: timeOf(last),
    requests,
    refusals
  }
}

/** A word that Redis did not date counts from 1. */
const DATED_FROM = 1e12
const timeOf = (ms: number): string => new Date(ms).toISOString()

const refusal = (code: Answer['code'], error: string, message: string): Answer => ({ code, body: { error, message } })

async function answerTo (
  deps: ClientsDeps,
  request: FastifyRequest<Named>,
  verb: 'blocked' | 'lifted',
  change: Change
): Promise<Answer> {
  const reading = readClientName(request.params.client_id)
  if (reading.kind === 'problem') return refusal(400, 'bad_request', `the client's name ${reading.why}`)
  if (deps.blocks === undefined) return refusal(409, 'no_redis', NO_REDIS)
  if (verb === 'lifted' && deps.fixed.has(reading.name)) return refusal(409, 'in_configuration', IN_CONFIGURATION)
  const expectedAt = expectedOf(request)
  if (expectedAt === 'unreadable') return refusal(400, 'bad_request', IF_MATCH)
  const outcome = change(deps.blocks, reading.name, { isWaiting: () => isWaiting(request), expectedAt })
  return await changed(deps, request, verb, outcome, reading.name)
}

/** If-Match, as an entity tag or bare. */
function expectedOf ({ headers }: FastifyRequest): number | undefined | 'unreadable' {
  const value = headers['if-match']
  if (value === undefined) return undefined
  return /^(?:\d{1,15}|"\d{1,15}")$/.test(value) ? Number(value.replaceAll('"', '')) : 'unreadable'
}

const IF_MATCH = 'If-Match must be the `at` of an earlier answer, such as "1764547200000"'
const CHANGED = 'another change of this client came first: look at `at` of GET /clients, and send it as If-Match'

const NO_REDIS = 'without Redis a block would end with this process: name the client in CLIENTS_BLOCKED'
const IN_CONFIGURATION = 'CLIENTS_BLOCKED names it: take it out there'
const FULL =
  `${MAX_BLOCKS.management} clients are blocked, and no more can be: lift some, or block a host instead of its clients`
const PENDING =
  'it holds on this replica, and is written as soon as Redis takes it; ask again until the status is another'
const FOREIGN =
  'the list in Redis was sealed under another CACHE_SECRET, so that nothing is kept there (docs/resource-tokens.md)'

async function changed (
  { blocks, tell, log }: ClientsDeps,
  request: FastifyRequest,
  verb: 'blocked' | 'lifted',
  change: Promise<BlockOutcome | 'not_blocked'>,
  name: ClientName
): Promise<Answer> {
  const outcome = await change
  const list = blocks?.list()
  if (outcome === 'full') return refusal(409, 'too_many_blocks', FULL)
  const mark = list?.get(name)
  if (outcome === 'given_up') {
    log.info(operatorFields(request), GIVEN_UP)
    return refusal(408, 'given_up', GIVEN_UP)
  }
  if (outcome === 'changed') return { code: 412, body: { error: 'changed', message: CHANGED, name, at: mark?.at } }
  const isTold = outcome === 'not_blocked' || await tell(name, mark)
  const isKept = isTold && outcome !== 'pending'
  tellOperator(log, request, verb, name, isKept)
  const about = { name, blocked: list === undefined ? 0 : blocksIn(list), at: mark?.at }
  if (isKept) return { code: 200, body: { status: outcome === 'not_blocked' ? outcome : verb, ...about } }
  return { code: 503, body: { status: 'pending', ...about, message: blocks?.isForeign() === true ? FOREIGN : PENDING } }
}

function tellOperator (log: Log, request: FastifyRequest, verb: string, name: string, isKept: boolean): void {
  const fields = { ...operatorFields(request), of: `client ${fingerprint(name)}` }
  log.info({ ...fields, kept: isKept }, `${verb === 'blocked' ? 'blocked' : 'unblocked'} by the management listener`)
}
