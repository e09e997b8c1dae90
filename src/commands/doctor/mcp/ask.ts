import { type IncomingMessage, request as askHttp } from 'node:http'
import { request as askHttps } from 'node:https'
import { isString, type Json, listOf, parseObject } from '../../../base/core/json.ts'
import { isNameError, isTlsError } from '../check.ts'
import { beginningOf } from '../page.ts'
import { ANYWHERE, type WayTo } from './inside.ts'

const TIMEOUT_MS = 10_000
const SHOWN_CHARACTERS = 200
const LOOPBACK = /^(?:localhost|127\.[0-9.]+|\[::1\])$/

type Asking = Readonly<{
  method?: 'GET' | 'POST' | 'OPTIONS'
  /** Several values are several lines. */
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** Sent as JSON. */
  body?: unknown
}>
/** An answer as it came, with at most a quarter of a megabyte of its body. */
export type Reply = Readonly<{
  kind: 'reply'
  status: number
  body: string
  /** The first line of a header; undefined without one. */
  header: (name: string) => string | undefined
  lines: (name: string) => readonly string[]
}>
export type Silence = Readonly<{ kind: 'silence', isTls: boolean, what: string }>
/** Follows no redirect: a client that follows one may lose its method, its body or its token. */
export type Ask = (address: string, asking?: Asking) => Promise<Reply | Silence>

/**
 * @param ca believed where what Node believes (NODE_EXTRA_CA_CERTS too) is not enough
 * @param wayTo an address, which a stranger's document may have named
 */
export function createAsk (ca: string | undefined, timeoutMs = TIMEOUT_MS, wayTo: WayTo = ANYWHERE): Ask {
  return async (address, asking = {}) => {
    const reply = await askBy(wayTo, address, asking, { timeoutMs })
    const isWorth = reply.kind === 'silence' && reply.isTls && ca !== undefined
    return isWorth ? await askBy(wayTo, address, asking, { timeoutMs, ca }) : reply
  }
}

type How = Readonly<{ timeoutMs: number, ca?: string }>

async function askBy (wayTo: WayTo, address: string, asking: Asking, how: How): Promise<Reply | Silence> {
  try {
    return await ask(address, asking, { ...how, ...await wayTo(address) })
  } catch (error) {
    return silence(error instanceof Error ? error : new Error('unknown'))
  }
}

async function ask (
  address: string,
  { method = 'GET', headers = {}, body }: Asking,
  { timeoutMs, ...trust }: How & Awaited<ReturnType<WayTo>>
): Promise<Reply | Silence> {
  const asker = address.startsWith('https:') ? askHttps : askHttp
  const signal = AbortSignal.timeout(timeoutMs)
  const text = body === undefined ? undefined : JSON.stringify(body)
  const length = text === undefined ? undefined : Buffer.byteLength(text)
  const type = length === undefined ? {} : { 'content-type': 'application/json', 'content-length': length }
  return await new Promise((resolve) => {
    asker(address, { method, headers: { ...type, ...headers }, agent: false, signal, ...trust })
      .on('response', (answer) => { resolve(read(answer)) })
      // nobody asked for one: without a listener Node would wait
      .on('upgrade', (_, socket) => { socket.destroy(); resolve(silence(new Error('it changes the protocol'))) })
      .on('error', (error) => { resolve(silence(error)) })
      .end(text)
  })
}

async function read (answer: IncomingMessage): Promise<Reply> {
  const { statusCode: status = 0, rawHeaders } = answer
  const lines = (name: string): readonly string[] =>
    rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
  // a stream of events may go on: what came so far is enough
  const { body } = await beginningOf(answer)
  return { kind: 'reply', status, body, lines, header: (name) => lines(name)[0] }
}

function silence (error: NodeJS.ErrnoException): Silence {
  const { code = error.message } = error
  const isTls = isTlsError(code)
  if (code === 'ABORT_ERR') return { kind: 'silence', isTls, what: 'no answer in time' }
  return { kind: 'silence', isTls, what: isNameError(code) ? `the name does not resolve (${code})` : code }
}

/** Another server's text, cut for a line. */
export const shown = (text: string): string =>
  text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text

/** True for https://, and for http:// on this machine: nothing is readable on the way. */
export function isPrivate (address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))
}

/** A document, or why there is none, as the end of a sentence that begins with its address. */
export type Document = Readonly<
  | { kind: 'document', json: Json, type: string | undefined }
  | { kind: 'none', what: string }
>

export function documentIn (reply: Reply | Silence): Document {
  if (reply.kind === 'silence') return { kind: 'none', what: `does not answer: ${reply.what}` }
  const to = reply.header('location')
  if (to !== undefined && reply.status >= 300 && reply.status < 400) {
    return { kind: 'none', what: `redirects to ${shown(to)}` }
  }
  if (reply.status !== 200) return { kind: 'none', what: `answers ${reply.status}` }
  const json = parseObject(reply.body)
  if (json === undefined) return { kind: 'none', what: 'answers 200 with something else than a JSON document' }
  return { kind: 'document', json, type: reply.header('content-type') }
}

const MAX_STRINGS = 30
const MAX_CHARACTERS = 1_000

/** The first strings of a list in a stranger's document. */
export function stringsIn (value: unknown): readonly string[] {
  return listOf(value).filter(isString).filter(({ length }) => length <= MAX_CHARACTERS).slice(0, MAX_STRINGS)
}
