import type { Identity } from '../../base/core/resolution.ts'
import { validateHeaderValue } from '../../base/http/node-http.ts'
import { type CommonHead, PersonalAnswer } from '../../base/http/respond.ts'
import type { HandlerResult, HttpResponse, VerifyRequest } from '../../base/http/types.ts'
import { field, headerBytes, message, numberField } from './protobuf.ts'

/** google.rpc.Code; 0, which is also what an empty message says, is the only one that allows. */
const CODES: Readonly<Record<number, number>> = { 302: 16, 303: 16, 401: 16, 503: 14 }
const PERMISSION_DENIED = 7

/** Headers about the link that HTTP's answer goes over, or for an Envoy that asks over HTTP. */
const NOT_FOR_CLIENTS = new Set(['content-length', 'x-forward-auth-login'])

/**
 * @param names every name that an app may take an identity from, lower case
 * @returns a `CheckResponse` (envoy/service/auth/v3/external_auth.proto) that says what HTTP would
 */
export function createWriteCheckResponse (
  names: readonly string[]
): (result: HandlerResult, request: Pick<VerifyRequest, 'rawHeaders' | 'requestId'>) => Buffer {
  const allowedBy = createPrepared((result) => ok(result, names))
  const isIdentity = new Set(names)
  return (result, { rawHeaders, requestId }) => {
    if (result.response.status !== 200) return denied(result, requestId)
    const allowed = allowedBy(result)
    const others = respelled(rawHeaders, isIdentity)
    return others.length === 0 ? allowed.whole : whole(allowed, others.map((name) => field(5, name)))
  }
}

/** A message that allows, and what it is made of. */
type Allowed = Readonly<{ whole: Buffer, changes: Buffer, metadata: Buffer }>

/** Messages of people that are kept, some kilobyte each. */
const MAX_PEOPLE = 2000

/**
 * Makes a message once. The answer to a person in memory is a new object with each hit, and says the same as long as
 * the identity and the head are the same; any other that is kept is the same object each time.
 */
function createPrepared (make: (result: HandlerResult) => Allowed): (result: HandlerResult) => Allowed {
  const prepared = new WeakMap<HttpResponse, Allowed>()
  const ofPeople = new Map<Identity, Readonly<{ common: CommonHead, allowed: Allowed }>>()
  function ofPerson (result: HandlerResult, { identity, common }: PersonalAnswer): Allowed {
    const known = ofPeople.get(identity)
    if (known?.common === common) return known.allowed
    const allowed = make(result)
    if (ofPeople.size >= MAX_PEOPLE) ofPeople.clear()
    ofPeople.set(identity, { common, allowed })
    return allowed
  }
  return (result) => {
    const { response } = result
    if (response instanceof PersonalAnswer) return ofPerson(result, response)
    let allowed = prepared.get(response)
    if (allowed === undefined) prepared.set(response, allowed = make(result))
    return allowed
  }
}

function whole ({ changes, metadata }: Omit<Allowed, 'whole'>, more: readonly Buffer[] = []): Buffer {
  return Buffer.concat([message(1, numberField(1, 0)), message(3, changes, ...more), metadata])
}

const PLAIN = /^[a-z0-9-]*$/

/** The client's own names that some apps read as one of ours, such as X_Authgear_User_Id, and those that begin so. */
function respelled (rawHeaders: readonly string[], isIdentity: ReadonlySet<string>): readonly string[] {
  const found: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    if (isIdentity.has(name)) continue
    const folded = PLAIN.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-')
    if (isIdentity.has(folded) || folded.includes('authgear') || folded.startsWith('x-forward-auth-')) found.push(name)
  }
  return found
}

/** Sets what has a value and removes every other name: a client's own never gets past. */
function ok ({ response, reason, source }: HandlerResult, names: readonly string[]): Allowed {
  const values = new Map<string, Buffer>()
  const isIdentity = new Set(names)
  const dropped = new Set(names)
  const { headers } = response
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = '', value = ''] = [headers[i]?.toLowerCase(), headers[i + 1]]
    if (name === 'x-envoy-auth-headers-to-remove') value.split(',').forEach((one) => dropped.add(one))
    else if (isIdentity.has(name) && value !== '') {
      validateHeaderValue(name, value)
      const bytes = headerBytes(value)
      if (bytes !== undefined) values.set(name, bytes)
    }
  }
  for (const name of values.keys()) dropped.delete(name)
  const parts = {
    changes: Buffer.concat([
      ...[...values].map(([name, value]) => message(2, headerOption(name, value))),
      ...[...dropped].map((name) => field(5, name))
    ]),
    metadata: metadata({ reason, source }, values.get('x-authgear-user-id'), values.get('x-authgear-user-roles'))
  }
  return { ...parts, whole: whole(parts) }
}

/** Its status first: without one, Envoy would let the request in. */
function denied ({ response, reason, source }: HandlerResult, requestId: string): Buffer {
  const { status, headers, body } = response
  const lines: Buffer[] = []
  const all = [...headers, 'x-request-id', requestId]
  for (let i = 0; i + 1 < all.length; i += 2) {
    const [name = '', value = ''] = [all[i], all[i + 1]]
    if (NOT_FOR_CLIENTS.has(name)) continue
    validateHeaderValue(name, value)
    const bytes = headerBytes(value)
    if (bytes !== undefined) lines.push(message(2, headerOption(name, bytes)))
  }
  return Buffer.concat([
    message(1, numberField(1, CODES[status] ?? PERMISSION_DENIED)),
    message(2, message(1, numberField(1, status)), ...lines, ...body === '' ? [] : [field(3, body)]),
    metadata({ reason, source })
  ])
}

/** HeaderValueOption: `append` is there and false, which every version of Envoy takes for "overwrite". */
function headerOption (name: string, value: Buffer): Buffer {
  return Buffer.concat([message(1, field(1, name), field(2, value)), message(2)])
}

/** Dynamic metadata, for Envoy's rate limits and access log: a `Struct`. The true reason, since it stays in Envoy. */
function metadata (
  { reason, source }: Pick<HandlerResult, 'reason' | 'source'>,
  userId?: Buffer,
  roles?: Buffer
): Buffer {
  const list = roles === undefined ? [] : roles.toString().split(',')
  return message(4,
    entry('reason', field(3, reason)),
    ...source === 'none' ? [] : [entry('source', field(3, source))],
    ...userId === undefined ? [] : [entry('user_id', field(3, userId))],
    ...list.length === 0 ? [] : [entry('roles', message(6, ...list.map((role) => message(1, field(3, role)))))])
}

function entry (key: string, value: Buffer): Buffer {
  return message(1, field(1, key), field(2, value))
}
