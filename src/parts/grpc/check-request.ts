import { Reader, Unreadable } from './protobuf.ts'

/** The read fields of a `CheckRequest` (envoy/service/auth/v3/external_auth.proto and attribute_context.proto). */
export type CheckRequest = Readonly<{
  method: string
  /** Path and query, as the client sent them. */
  path: string
  host: string
  /** Envoy's id of the request; empty where it gives none. */
  id: string
  /** Name, value, name, value … without pseudo-headers. */
  headers: readonly string[]
  /** Envoy's peer, as Envoy's own trust settings determine it. */
  source: string | undefined
  /** `context_extensions`: the operator's own words. */
  extensions: ReadonlyMap<string, string>
}>

/** What is read so far. `joined`, `lines`: header lines of a map, and of a list. */
type Found = { -readonly [K in Exclude<keyof CheckRequest, 'headers' | 'extensions'>]?: CheckRequest[K] } & {
  readonly extensions: Map<string, string>
  readonly joined: string[]
  lines?: string[]
}
type ReadField<To> = (reader: Reader, to: To) => void
/** By its number. Each table is made once, so that no request makes functions. */
type Fields<To> = Readonly<Record<number, ReadField<To>>>

/** A header name, and the bytes that no value may hold: Node's HTTP parser refuses the same. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
// eslint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\x08\x0a-\x1f\x7f]/

const skip: ReadField<unknown> = (reader) => reader.skip()
const skipNumber: ReadField<unknown> = (reader) => reader.skipNumber()
const NONE: Fields<unknown> = {}

/** A nested message, which may be there once. */
const message = <To>(once: Fields<To>, repeated: Fields<To> = NONE): ReadField<To> =>
  (reader, to) => readOnce(reader.message(), to, once, repeated)

type Entry = { key: string, value: string, raw: string }

/** An entry of a map, or a HeaderValue: key, value, raw_value. */
const ENTRY: Fields<Entry> = {
  1: (text, read) => { read.key = text.text() },
  2: (text, read) => { read.value = text.text() },
  3: (text, read) => { read.raw = text.text() }
}

function readEntry (reader: Reader): Readonly<Entry> {
  const read = { key: '', value: '', raw: '' }
  readOnce(reader.message(), read, ENTRY)
  return read
}

/** SocketAddress: protocol, address, port, IPv4 as IPv6. */
const SOCKET: Fields<Found> = {
  1: skipNumber,
  2: (text, found) => { found.source = text.text() },
  3: skipNumber,
  6: skipNumber
}

/** HeaderMap, as Envoy's `encode_raw_headers` fills it: a list that keeps each line. */
const LINES: Fields<string[]> = {
  1: (line, lines) => {
    const { key, value, raw } = readEntry(line)
    if (value !== '' && raw !== '') throw new Unreadable('a header has two values')
    addLine(lines, { key, value: value === '' ? raw : value })
  }
}

const HTTP: Fields<Found> = {
  1: (text, found) => { found.id = text.text() },
  2: (text, found) => { found.method = present(text.text()) },
  4: (text, found) => { found.path = present(text.text()) },
  5: (text, found) => { found.host = present(text.text()) },
  // the body's size
  9: skipNumber,
  13: (map, found) => { readOnce(map.message(), found.lines = [], NONE, LINES) }
}
/** The map without `encode_raw_headers`, which joins the lines of one name by a comma. */
const HTTP_REPEATED: Fields<Found> = { 3: (entry, { joined }) => addLine(joined, readEntry(entry)) }

/** Peer → Address → SocketAddress → address, where a pipe has none; and Request → HttpRequest. */
const ATTRIBUTES: Fields<Found> = {
  1: message({ 1: message({ 1: message(SOCKET) }) }),
  4: message({ 2: message(HTTP, HTTP_REPEATED) })
}
const EXTENSIONS: Fields<Found> = {
  10: (entry, { extensions }) => {
    const { key, value } = readEntry(entry)
    if (extensions.has(key)) throw new Unreadable('a context extension comes twice')
    extensions.set(key, value)
  }
}
const CHECK: Fields<Found> = { 1: message(ATTRIBUTES, EXTENSIONS) }

/** @throws Unreadable: what Envoy never writes, above all anything that is said twice */
export function readCheckRequest (bytes: Buffer): CheckRequest {
  const found: Found = { extensions: new Map(), joined: [] }
  readOnce(new Reader(bytes), found, CHECK)
  const { method, path, host, id = '', source, extensions, joined, lines = [] } = found
  if (method === undefined || path === undefined || host === undefined) {
    throw new Unreadable('it says nothing of an HTTP request')
  }
  if (joined.length > 0 && lines.length > 0) throw new Unreadable('header lines come twice')
  return { method, path, host, id, headers: joined.length > 0 ? joined : lines, source, extensions }
}

function addLine (lines: string[], { key, value }: Readonly<{ key: string, value: string }>): void {
  if (key.startsWith(':')) return
  if (!NAME.test(key) || FORBIDDEN.test(value)) throw new Unreadable('a header is none')
  lines.push(key, value)
}

function present (text: string): string {
  if (text === '' || FORBIDDEN.test(text)) throw new Unreadable('the request line is none')
  return text
}

/** Each of the first may be there once: protobuf lets the last one win, or merges, which no two readers must decide. */
function readOnce<To> (reader: Reader, to: To, once: Fields<To>, repeated: Fields<To> = NONE): void {
  let seen = 0
  for (let number = reader.next(); number !== 0; number = reader.next()) {
    const read = once[number]
    if (read !== undefined) {
      if ((seen & (1 << number)) !== 0) throw new Unreadable('a field comes twice')
      seen |= 1 << number
      read(reader, to)
    } else (repeated[number] ?? skip)(reader, to)
  }
}
