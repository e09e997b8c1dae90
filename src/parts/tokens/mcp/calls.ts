import { isString, objectOf, parseJson } from '../../../base/core/json.ts'
import { REFUSED_CODE } from '../../../base/core/mcp-call.ts'
import type { Asked, Posted } from '../../../base/parts/findings.ts'

const REVISION = '2026-07-28'
const ACCEPT = 'application/json, text/event-stream'
/** Without it a server takes a body for one of an older revision, and some then obey it. */
const META = {
  'io.modelcontextprotocol/protocolVersion': REVISION,
  'io.modelcontextprotocol/clientInfo': { name: 'authgear-forward-auth-doctor', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {}
}

type Lines = Posted['headers']

/** A request whose headers and body say the same. */
export const call = (method: string, token?: string): Posted =>
  called(headersOf(method), request(method, { _meta: META }), token)

/** A call of a tool by its headers and its body. */
export const toolCall = (name: string, token: string): Posted =>
  called(headersOf('tools/call', name), bodyOf(name, { _meta: META }), token)

/** The same as clients of older revisions send it. */
export const oldToolCall = (name: string, token: string): Posted => called({}, bodyOf(name), token)

/** The headers of the revision, for a method and the name of a tool. */
const headersOf = (method: string, name?: string): Readonly<Record<string, string>> => ({
  'mcp-protocol-version': REVISION, 'mcp-method': method, ...name === undefined ? {} : { 'mcp-name': name }
})

const request = (method: string, params: object): object => ({ jsonrpc: '2.0', id: 1, method, params })

const bodyOf = (name: string, meta: object = {}): object => request('tools/call', { name, arguments: {}, ...meta })

const called = (headers: Lines, body: unknown, token?: string): Posted => ({
  headers: { accept: ACCEPT, ...headers, ...token === undefined ? {} : { authorization: `Bearer ${token}` } }, body
})

/** A call that its headers do not name. `isOld`: they claim another revision, or none, and every call of it is one. */
export type Disguise = Readonly<{ what: string, isOld: boolean, called: Posted }>

/** @param name of the tool in the body @param tool one that exists */
export function disguises (name: string, tool: string | undefined, token: string): readonly Disguise[] {
  const [old, current] = [bodyOf(name), bodyOf(name, { _meta: META })]
  const [list, method] = [headersOf('tools/list'), { 'mcp-method': 'tools/list' }]
  const other = tool === undefined ? undefined : headersOf('tools/call', tool)
  const rows: ReadonlyArray<readonly [string, boolean, Lines | undefined, unknown]> = [
    ['the headers of a list', false, list, current],
    ['the headers of a list, in the form of an older revision', false, list, old],
    ['the headers of a list, two at once', false, list, [old, { ...old, id: 2 }]],
    ['the name of another tool', false, other, current],
    ['the name of another tool, in the form of an older revision', false, other, old],
    ['two lines of names', false, other && { ...other, 'mcp-name': [tool ?? '', name] }, current],
    ['a second name by Mcp_Name', false, other && { ...other, mcp_name: name }, current],
    ['an older revision', true, { ...method, 'mcp-protocol-version': '2025-11-25' }, old],
    ['no revision', true, method, old]
  ]
  return rows.flatMap(([what, isOld, headers, body]) =>
    headers === undefined ? [] : [{ what, isOld, called: called(headers, body, token) }])
}

type Answered = Extract<Asked, { kind: 'answered' }>
/** The answer to a request of JSON-RPC: a result, or an error by its code. */
type Message = Readonly<{ code: number | undefined, result: unknown }>

/**
 * @returns the answers of a server in a body: one, a batch, or a stream of events, which may hold other messages too.
 * The refusal of this service, in the same form, is none of them
 */
function messagesIn (body: string): readonly Message[] {
  const events = body.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5))
  return [body, ...events].flatMap((text) => [parseJson(text)].flat()).flatMap((value) => {
    const { jsonrpc, error, result } = objectOf(value) ?? {}
    if (jsonrpc !== '2.0' || (error === undefined && result === undefined)) return []
    const { code, data } = objectOf(error) ?? {}
    if (code === REFUSED_CODE && isString(objectOf(data)?.['reason'])) return []
    return [{ code: typeof code === 'number' ? code : undefined, result }]
  })
}

/** @returns the first; undefined for what no server of MCP has answered */
export const messageIn = ({ body }: Pick<Answered, 'body'>): Message | undefined => messagesIn(body)[0]

/** Headers that differ from the body, and a revision that the server does not speak: by the specification. */
const REFUSALS: ReadonlySet<number> = new Set([-32020, -32022])
/** No request, not JSON; and what servers of older revisions say of a revision that they do not know. */
const OTHER_REFUSALS: ReadonlySet<number> = new Set([-32600, -32700, -32000, -32001])

/**
 * Does the server go by the body? Of an older revision only those two errors say no: a missing session can be begun.
 * @param name of a tool that does not exist
 */
export function obeys ({ status, body }: Answered, name: string, { isOld }: Pick<Disguise, 'isOld'>): boolean {
  const messages = messagesIn(body)
  if (messages.length === 0) return status === 200 && body !== ''
  return messages.some(({ code }) => {
    if (code === undefined) return true
    if (REFUSALS.has(code)) return false
    // -32602 stands for an unknown tool as well as for a body without the members of the revision
    return isOld || (!OTHER_REFUSALS.has(code) && (body.includes(name) || status < 300))
  })
}
